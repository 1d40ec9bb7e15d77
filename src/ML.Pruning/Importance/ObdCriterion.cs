using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by the rise of the layer's squared error when it alone goes and nothing else
/// moves.</summary>
/// <remarks>
/// <para>score[o, i] = 1/2 h_ii W[o, i]^2 with h_ii = 2/n sumOfSquares[i], the diagonal of the layer's Hessian (optimal
/// brain damage, LeCun et al. 1989, eq. 5, with the layer's squared error as the loss). Product in float64, rounded to
/// float32.</para>
/// <para>The order within a tensor is that of Wanda; the values compare across tensors.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public sealed class ObdCriterion : IWeightCriterion
{
    /// <inheritdoc/>
    public string Name => "obd";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.SumSquares;

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        CriterionChecks.Statistics(block, statistics);
        ReadOnlySpan<double> squares = statistics.SumOfSquares;
        for (int i = 0; i < scores.Length; i++)
        {
            double weight = block.Weight[i];
            scores[i] = (float)(weight * weight * squares[i % block.Columns] / statistics.TokenCount);
        }
    }
}
