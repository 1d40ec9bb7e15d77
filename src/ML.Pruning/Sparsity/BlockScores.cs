namespace ML.Pruning.Sparsity;

/// <summary>The scores of the blocks of a matrix, as a smaller matrix: each the sum of the scores of its weights, in
/// float64.</summary>
/// <remarks>A weight that is zero already adds nothing; a block of only such weights goes first. Sums end at the
/// largest float32.</remarks>
internal sealed class BlockScores(IScoreSource source, BlockPattern pattern) : IScoreSource
{
    /// <inheritdoc/>
    public string Name => source.Name;

    /// <inheritdoc/>
    public int Rows => (source.Rows + pattern.Rows - 1) / pattern.Rows;

    /// <inheritdoc/>
    public int Columns => (source.Columns + pattern.Columns - 1) / pattern.Columns;

    /// <inheritdoc/>
    public void ReadScores(int firstRow, int rowCount, Span<float> scores)
    {
        for (int r = 0; r < rowCount; r++) ReadBlockRow(firstRow + r, scores.Slice(r * Columns, Columns));
    }

    /// <summary>The mask of the weights that a mask of the blocks stands for.</summary>
    public WeightMask Expand(WeightMask blocks)
    {
        var mask = new WeightMask(source.Rows, source.Columns);
        for (int row = 0; row < source.Rows; row++)
        {
            ReadOnlySpan<ulong> kept = blocks.GetRow(row / pattern.Rows);
            Span<ulong> words = mask.Words(row);
            for (int column = 0; column < source.Columns; column++)
                if (!WeightMask.IsKept(kept, column / pattern.Columns)) WeightMask.Remove(words, column);
        }

        return mask;
    }

    private void ReadBlockRow(int blockRow, Span<float> destination)
    {
        int first = blockRow * pattern.Rows;
        int count = Math.Min(pattern.Rows, source.Rows - first);
        using var scores = new PooledBuffer<float>(count * source.Columns);
        using var sums = new PooledBuffer<double>(Columns);
        source.ReadScores(first, count, scores.Span);
        sums.Span.Fill(double.NegativeInfinity);
        for (int i = 0; i < scores.Span.Length; i++)
        {
            if (float.IsNegativeInfinity(scores.Span[i])) continue;
            ref double sum = ref sums.Span[i % source.Columns / pattern.Columns];
            sum = double.IsNegativeInfinity(sum) ? scores.Span[i] : sum + scores.Span[i];
        }

        for (int i = 0; i < destination.Length; i++)
        {
            double sum = sums.Span[i];
            destination[i] = (float)(double.IsFinite(sum) ? Math.Min(sum, float.MaxValue) : sum);
        }
    }
}
