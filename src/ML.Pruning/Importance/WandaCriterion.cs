using System.Numerics.Tensors;
using ML.Pruning.Calibration;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by its absolute value times the norm of its input feature.</summary>
/// <remarks>
/// <para>score[o, i] = |W[o, i]| sqrt(sumOfSquares[i]) = |W[o, i]| ||X_i||_2 over all calibration tokens; product in
/// float64, rounded to float32. Sun et al. 2023, arXiv:2306.11695, eq. 1.</para>
/// <para>The authors' code divides the sums by the number of sequences: one constant for all, hence the same
/// order.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public sealed class WandaCriterion : IWeightCriterion
{
    /// <inheritdoc/>
    public string Name => "wanda";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.SumSquares;

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        CriterionChecks.Statistics(block, statistics);
        using PooledBuffer<double> norms = new(block.Columns), products = new(block.Columns);
        TensorPrimitives.Sqrt(statistics.SumOfSquares, norms.Span);
        for (int row = 0; row < block.Rows; row++)
        {
            ReadOnlySpan<float> weight = block.Weight.Slice(row * block.Columns, block.Columns);
            TensorPrimitives.ConvertTruncating(weight, products.Span);
            TensorPrimitives.Abs<double>(products.Span, products.Span);
            TensorPrimitives.Multiply<double>(products.Span, norms.Span, products.Span);
            TensorPrimitives.ConvertTruncating<double, float>(
                products.Span, scores.Slice(row * block.Columns, block.Columns));
        }
    }
}
