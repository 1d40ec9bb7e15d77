using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by the rise of the layer's squared error when it alone goes and all others of its row
/// make up for it as well as they can.</summary>
/// <remarks>
/// <para>score[o, i] = W[o, i]^2 / (2 [H^-1]_ii) with the damped Hessian H of the layer (optimal brain surgeon, Hassibi
/// and Stork 1992, eq. 5). A weight of a dead column scores 0. In float64, rounded to float32.</para>
/// <para>Thread-safe.</para>
/// </remarks>
/// <param name="damping">Fraction of the mean of the Hessian's diagonal that is added to it, at least 0.</param>
public sealed class ObsCriterion(double damping = ObsCriterion.DefaultDamping) : IWeightCriterion
{
    /// <summary>The damping of SparseGPT.</summary>
    public const double DefaultDamping = 0.01;

    /// <summary>Fraction of the mean of the Hessian's diagonal that is added to it.</summary>
    public double Damping { get; } = CriterionChecks.Damping(damping);

    /// <inheritdoc/>
    public string Name => "obs";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Hessian;

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["damping"] = Damping };

    /// <inheritdoc/>
    public void Prepare(ActivationStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        statistics.Diagonals(Damping);
    }

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        CriterionChecks.Statistics(block, statistics);
        double[] inverse = statistics.Diagonals(Damping).Inverse;
        for (int i = 0; i < scores.Length; i++)
        {
            double weight = block.Weight[i];
            scores[i] = (float)(weight * weight / (2 * inverse[i % block.Columns]));
        }
    }
}
