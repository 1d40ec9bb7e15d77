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
    /// <param name="isZero">Whether the weight at a row and column of the tile was 0 from the start.</param>
    /// <returns>What stays, [rows, width].</returns>
    public WeightMask ChooseTile(
        string name, ReadOnlySpan<double> tile, ReadOnlySpan<double> diagonal, Func<int, int, bool> isZero)
    {
        int width = diagonal.Length, rows = tile.Length / width;
        double highest = 0;
        for (int i = 0; i < tile.Length; i++) highest = Math.Max(highest, Math.Abs(tile[i] / diagonal[i % width]));

        // Relative to the highest, so that no square leaves the range of float32.
        double scale = highest > 0 ? 1 / highest : 1;
        var scores = new float[tile.Length];
        for (int i = 0; i < scores.Length; i++)
        {
            double ratio = tile[i] / diagonal[i % width] * scale;
            scores[i] = isZero(i / width, i % width) ? float.NegativeInfinity : (float)(ratio * ratio);
        }

        return MaskSelector.Select(
            new ArrayScores(name, rows, width, scores), Pattern, ComparisonGroup.Tensor, Sparsity);
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
