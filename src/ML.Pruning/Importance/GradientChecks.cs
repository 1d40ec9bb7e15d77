using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>What criteria by gradients share.</summary>
internal static class GradientChecks
{
    /// <summary>The gradient statistics of a block's tensor.</summary>
    /// <exception cref="ArgumentException">They are missing, saw nothing, lack what is needed, or have another
    /// length.</exception>
    public static GradientStatistics Require(WeightBlock block, StatisticsNeeds needs)
    {
        GradientStatistics statistics = block.Gradients ?? throw new ArgumentException(
            $"Tensor '{block.TensorName}': the criterion needs gradient statistics.");
        if (!statistics.Needs.HasFlag(needs))
        {
            throw new ArgumentException($"Tensor '{block.TensorName}': the criterion needs '{needs}'; the statistics "
                + $"gathered '{statistics.Needs}'.");
        }

        if ((long)(block.FirstRow + block.Rows) * block.Columns > statistics.Count)
        {
            throw new ArgumentException($"Tensor '{block.TensorName}': the block ends at row "
                + $"{block.FirstRow + block.Rows} of {block.Columns} weights; the statistics have {statistics.Count}.");
        }

        int seen = needs == StatisticsNeeds.Movement ? statistics.StepCount : statistics.WindowCount;
        return seen > 0
            ? statistics
            : throw new ArgumentException($"Tensor '{block.TensorName}': the statistics have seen no window.");
    }

    /// <summary>The part of a tensor's numbers that belongs to a block.</summary>
    public static ReadOnlySpan<double> Of(WeightBlock block, ReadOnlySpan<double> whole) =>
        whole.Slice(block.FirstRow * block.Columns, block.Rows * block.Columns);

    /// <summary>scores = |w g| with the mean gradient g.</summary>
    public static void FirstOrder(WeightBlock block, GradientStatistics statistics, Span<float> scores)
    {
        ReadOnlySpan<double> gradient = Of(block, statistics.SumOfGradients);
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)Math.Abs(block.Weight[i] * (gradient[i] / statistics.WindowCount));
    }
}
