using System.Buffers;
using System.Numerics.Tensors;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>How SparseGPT chooses what goes while it sweeps.</summary>
/// <param name="Pattern">Unstructured and blocks are chosen tile by tile, N:M every M columns.</param>
/// <param name="Sparsity">Fraction of each tile that goes, in [0, 1); ignored for N:M.</param>
internal sealed record TileMaskChooser(SparsityPattern Pattern, double Sparsity)
{
    /// <summary>Chooses what goes of a tile: exactly int(count * sparsity) of the lowest w^2 / U_jj^2, zeros
    /// first.</summary>
    /// <param name="name">Name of the tensor, for messages.</param>
    /// <param name="tile">Weights [rows, width], as they stand now.</param>
    /// <param name="diagonal">U_jj of the tile's columns.</param>
    /// <param name="mask">The whole tensor's mask; what is 0 from the start is removed.</param>
    /// <param name="firstColumn">The tile's first column in the mask.</param>
    /// <returns>What stays, [rows, width].</returns>
    public WeightMask ChooseTile(
        string name, ReadOnlySpan<double> tile, ReadOnlySpan<double> diagonal, WeightMask mask, int firstColumn)
    {
        int width = diagonal.Length, rows = tile.Length / width;
        double highest = 0;
        var ratios = new double[width];
        for (int row = 0; row < rows; row++)
        {
            TensorPrimitives.Divide(tile.Slice(row * width, width), diagonal, ratios);
            highest = Math.Max(highest, Math.Abs(TensorPrimitives.MaxMagnitude<double>(ratios)));
        }

        // Relative to the highest, so that no square leaves the range of float32.
        double scale = highest > 0 ? 1 / highest : 1;
        float[] scores = ArrayPool<float>.Shared.Rent(tile.Length);
        for (int row = 0; row < rows; row++)
        {
            TensorPrimitives.Divide(tile.Slice(row * width, width), diagonal, ratios);
            TensorPrimitives.Multiply(ratios, scale, ratios);
            TensorPrimitives.Multiply<double>(ratios, ratios, ratios);
            Span<float> own = scores.AsSpan(row * width, width);
            TensorPrimitives.ConvertTruncating<double, float>(ratios, own);
            ReadOnlySpan<ulong> words = mask.GetRow(row);
            for (int column = 0; column < width; column++)
                if (!WeightMask.IsKept(words, firstColumn + column)) own[column] = float.NegativeInfinity;
        }

        WeightMask kept = MaskSelector.Select(new ArrayScores(name, rows, width, scores.AsMemory(0, tile.Length)),
            Pattern, ComparisonGroup.Tensor, Sparsity);
        ArrayPool<float>.Shared.Return(scores);
        return kept;
    }

    /// <summary>Removes the M - N lowest of a group of M columns of one row from the row's mask, zeros first.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="group">Weights [M], as they stand now.</param>
    /// <param name="diagonal">U_jj of the group's columns.</param>
    /// <param name="words">The row's mask; on entry what is 0 from the start is removed.</param>
    /// <param name="firstColumn">The group's first column in the mask.</param>
    public static void ChooseGroup(NofMPattern pattern, ReadOnlySpan<double> group, ReadOnlySpan<double> diagonal,
        Span<ulong> words, int firstColumn)
    {
        int kept = 0;
        for (int i = 0; i < group.Length; i++)
            if (WeightMask.IsKept(words, firstColumn + i)) kept++;
        for (; kept > pattern.N; kept--)
        {
            int lowest = -1;
            double score = double.PositiveInfinity;
            for (int i = 0; i < group.Length; i++)
            {
                double own = Math.Abs(group[i] / diagonal[i]);
                if (!WeightMask.IsKept(words, firstColumn + i) || own >= score) continue;
                (lowest, score) = (i, own);
            }

            WeightMask.Remove(words, firstColumn + lowest);
        }
    }
}
