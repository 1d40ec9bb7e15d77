using System.Numerics.Tensors;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Importance;

/// <summary>Scores the input channels of a linear map by a <see cref="FluctuationMetric"/>. Thread-safe.</summary>
internal static class FluctuationScores
{
    private const int RowsElements = 1 << 20;

    /// <summary>Scores the channels.</summary>
    /// <param name="metric">By what.</param>
    /// <param name="weight">W [outFeatures, inFeatures].</param>
    /// <param name="statistics">Statistics of the inputs, with moments, of at least two tokens.</param>
    /// <returns>Scores [inFeatures], in float64.</returns>
    public static double[] Of(FluctuationMetric metric, StoredTensor weight, ActivationStatistics statistics)
    {
        int columns = statistics.Features;
        double tokens = statistics.TokenCount;
        var scores = new double[columns];
        for (int j = 0; j < columns; j++)
        {
            double sum = statistics.Sum[j];
            scores[j] = Math.Max(0, (statistics.SumOfSquares[j] - sum * sum / tokens) / (tokens - 1));
        }

        if (metric == FluctuationMetric.Ifv) return scores;
        double[] norms = Columns(weight, squared: metric == FluctuationMetric.Wifv);
        if (metric == FluctuationMetric.Wifn)
        {
            TensorPrimitives.Sqrt<double>(scores, scores);
            TensorPrimitives.Divide(norms, (double)weight.Shape[0], norms);
        }

        TensorPrimitives.Multiply<double>(scores, norms, scores);
        return scores;
    }

    // For each column the sum of squares or of absolute values.
    private static double[] Columns(StoredTensor weight, bool squared)
    {
        int rows = (int)weight.Shape[0], columns = (int)weight.Shape[1];
        var sums = new double[columns];
        int step = Math.Max(1, RowsElements / columns);
        using var values = new PooledBuffer<float>(step * columns);
        using var wide = new PooledBuffer<double>(columns);
        for (int first = 0; first < rows; first += step)
        {
            int count = Math.Min(step, rows - first);
            weight.Read((long)first * columns, values.Span[..(count * columns)]);
            for (int row = 0; row < count; row++)
            {
                TensorPrimitives.ConvertTruncating(values.Span.Slice(row * columns, columns), wide.Span);
                if (squared) TensorPrimitives.Multiply<double>(wide.Span, wide.Span, wide.Span);
                else TensorPrimitives.Abs<double>(wide.Span, wide.Span);
                TensorPrimitives.Add<double>(sums, wide.Span, sums);
            }
        }

        return sums;
    }
}
