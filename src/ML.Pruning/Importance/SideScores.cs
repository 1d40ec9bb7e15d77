using System.Numerics.Tensors;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Importance;

/// <summary>Scores every row or every column of a parameter by <see cref="GroupImportance"/>.</summary>
/// <remarks>Sums are in float64, in the order of the elements. Thread-safe.</remarks>
internal static class SideScores
{
    private const int RowsElements = 1 << 20;

    /// <summary>What calibration has to gather.</summary>
    public static StatisticsNeeds Needs(GroupImportance importance) => importance switch
    {
        GroupImportance.TaylorVector or GroupImportance.TaylorFirst => StatisticsNeeds.Gradient,
        GroupImportance.TaylorSecond => StatisticsNeeds.SquaredGradient,
        GroupImportance.TaylorMix => StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient,
        _ => StatisticsNeeds.None,
    };

    /// <summary>Scores the rows (dimension 0) or columns (1) of a matrix, or the elements of a vector.</summary>
    /// <param name="importance">By what; not <see cref="GroupImportance.Random"/>, which looks at no weight.</param>
    /// <param name="tensor">The weights.</param>
    /// <param name="gradients">Gradients by them, where needed.</param>
    /// <param name="dimension">0 or 1.</param>
    /// <returns>A score for each index along the dimension.</returns>
    public static double[] Of(
        GroupImportance importance, StoredTensor tensor, GradientStatistics? gradients, int dimension)
    {
        int rows = (int)tensor.Shape[0], columns = tensor.Shape.Count == 2 ? (int)tensor.Shape[1] : 1;
        var scores = new double[dimension == 0 ? rows : columns];
        int step = Math.Max(1, RowsElements / columns);
        for (int first = 0; first < rows; first += step)
        {
            int count = Math.Min(step, rows - first);
            using var weight = new PooledBuffer<float>(count * columns);
            using var terms = new PooledBuffer<double>(count * columns);
            tensor.Read((long)first * columns, weight.Span);
            Terms(importance, weight.Span, gradients, first * columns, terms.Span);
            for (int row = 0; row < count; row++)
            {
                ReadOnlySpan<double> line = terms.Span.Slice(row * columns, columns);
                if (dimension == 0) scores[first + row] = TensorPrimitives.Sum(line);
                else TensorPrimitives.Add(scores, line, scores);
            }
        }

        if (importance == GroupImportance.TaylorVector) TensorPrimitives.Abs<double>(scores, scores);
        return scores;
    }

    private static void Terms(GroupImportance importance, ReadOnlySpan<float> weight, GradientStatistics? gradients,
        int start, Span<double> terms)
    {
        TensorPrimitives.ConvertTruncating(weight, terms);
        if (importance is GroupImportance.L1 or GroupImportance.L2)
        {
            if (importance == GroupImportance.L1) TensorPrimitives.Abs<double>(terms, terms);
            else TensorPrimitives.Multiply<double>(terms, terms, terms);
            return;
        }

        GradientStatistics seen = gradients ?? throw new ArgumentNullException(nameof(gradients));
        double windows = seen.WindowCount;
        for (int i = 0; i < terms.Length; i++)
        {
            double w = terms[i];
            double first =
                importance == GroupImportance.TaylorSecond ? 0 : w * seen.SumOfGradients[start + i] / windows;
            double second = importance is GroupImportance.TaylorSecond or GroupImportance.TaylorMix
                ? w * w * seen.SumOfSquares[start + i] / windows / 2
                : 0;
            terms[i] = importance switch
            {
                GroupImportance.TaylorVector => first,
                GroupImportance.TaylorFirst => Math.Abs(first),
                GroupImportance.TaylorSecond => second,
                _ => Math.Abs(first - second),
            };
        }
    }
}
