namespace ML.Pruning.Sparsity;

/// <summary>Turns scores into masks with exact counts.</summary>
/// <remarks>
/// <para>Of each comparison group of n weights the int(n * sparsity) lowest scores go (product in float64, cut). Of
/// equal scores the one that comes first goes: lower row, then lower column. Zeros already there count towards the
/// target: they go before all others.</para>
/// <para>Thread-safe; works on several threads, and the result does not depend on how many.</para>
/// </remarks>
public static class MaskSelector
{
    /// <summary>Columns of a tile (<see cref="ComparisonGroup.Tile"/>).</summary>
    public const int TileColumns = 128;

    /// <summary>The number of weights, or of blocks, that go of a group.</summary>
    /// <param name="count">Size of the group.</param>
    /// <param name="sparsity">In [0, 1).</param>
    /// <returns>int(count * sparsity).</returns>
    public static long RemovedOf(long count, double sparsity) => (long)(count * sparsity);

    /// <summary>Selects the mask of one tensor.</summary>
    /// <param name="scores">The scores.</param>
    /// <param name="pattern">The pattern. <see cref="NofMPattern"/> makes its own groups and count.</param>
    /// <param name="group">Row, tile or tensor; ignored for N:M.</param>
    /// <param name="sparsity">Fraction to remove, in [0, 1); ignored for N:M.</param>
    /// <param name="cancellationToken">Checked between runs of rows.</param>
    /// <returns>The mask.</returns>
    /// <exception cref="ArgumentException">An option is out of range or does not fit the tensor, or a score is NaN or
    /// positive infinity; the message names the tensor.</exception>
    public static WeightMask Select(IScoreSource scores, SparsityPattern pattern, ComparisonGroup group,
        double sparsity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(pattern);
        CheckSparsity(sparsity);
        switch (pattern)
        {
            case NofMPattern nofM:
                if (nofM.WhyIndivisible(scores.Rows, scores.Columns) is { } why)
                    throw new ArgumentException($"Tensor '{scores.Name}' {why}; the pattern {nofM} needs that.");
                return SelectNofM(scores, nofM, cancellationToken);
            case BlockPattern block:
                var blocks = new BlockScores(scores, block);
                return blocks.Expand(SelectSingle(blocks, group, TileWidth(block), sparsity, cancellationToken));
            default:
                return SelectSingle(scores, group, TileColumns, sparsity, cancellationToken);
        }
    }

    /// <summary>Selects the masks of several tensors that compete with each other.</summary>
    /// <param name="scores">The scores, in the order that decides between equal ones.</param>
    /// <param name="pattern">Unstructured or block: N:M groups lie inside a tensor.</param>
    /// <param name="sparsity">Fraction to remove, in [0, 1).</param>
    /// <param name="cancellationToken">Checked between runs of rows.</param>
    /// <returns>The masks, in the same order.</returns>
    /// <exception cref="ArgumentException">As for <see cref="Select"/>.</exception>
    public static IReadOnlyList<WeightMask> SelectJointly(IReadOnlyList<IScoreSource> scores, SparsityPattern pattern,
        double sparsity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scores);
        ArgumentNullException.ThrowIfNull(pattern);
        CheckSparsity(sparsity);
        switch (pattern)
        {
            case NofMPattern:
                throw new ArgumentException($"The pattern {pattern} has its own groups inside each tensor; tensors do "
                    + "not compete with each other.", nameof(pattern));
            case BlockPattern block:
                BlockScores[] blocks = [.. scores.Select(s => new BlockScores(s, block))];
                WeightMask[] kept = SelectTogether(blocks, sparsity, cancellationToken);
                return [.. blocks.Zip(kept, (b, mask) => b.Expand(mask))];
            default:
                return SelectTogether(scores, sparsity, cancellationToken);
        }
    }

    /// <summary>Columns of a tile, counted in blocks.</summary>
    internal static int TileWidth(BlockPattern block, int tileColumns = TileColumns) => tileColumns % block.Columns == 0
        ? tileColumns / block.Columns
        : throw new ArgumentException($"The pattern {block} does not fit into tiles of {tileColumns} columns; "
            + $"choose a block whose columns divide {tileColumns}, or another comparison group.");

    private static void CheckSparsity(double sparsity)
    {
        if (!(sparsity >= 0 && sparsity < 1))
            throw new ArgumentException($"The sparsity is {sparsity}; it must lie in [0, 1).", nameof(sparsity));
    }

    private static WeightMask[] SelectTogether(
        IReadOnlyList<IScoreSource> scores, double sparsity, CancellationToken cancellationToken)
    {
        long count = scores.Sum(s => (long)s.Rows * s.Columns);
        return JointSelection.Select(scores, RemovedOf(count, sparsity), cancellationToken);
    }

    private static WeightMask SelectSingle(IScoreSource scores, ComparisonGroup group, int tileColumns, double sparsity,
        CancellationToken cancellationToken) => group switch
        {
            ComparisonGroup.Row => SelectRows(scores, sparsity, cancellationToken),
            ComparisonGroup.Tile => SelectTiles(scores, tileColumns, sparsity, cancellationToken),
            ComparisonGroup.Tensor => SelectTogether([scores], sparsity, cancellationToken)[0],
            _ => throw new ArgumentException($"The comparison group {group} spans several tensors; use SelectJointly.",
                nameof(group)),
        };

    private static WeightMask SelectRows(IScoreSource scores, double sparsity, CancellationToken cancellationToken)
    {
        var mask = new WeightMask(scores.Rows, scores.Columns);
        int columns = scores.Columns;
        int remove = (int)RemovedOf(columns, sparsity);
        if (remove == 0) return mask;
        RowChunks.ForEach(scores.Rows, columns, (firstRow, rowCount) =>
        {
            using var keys = new PooledBuffer<uint>(rowCount * columns);
            ScoreKeys.Read(scores, firstRow, rowCount, keys.Span);
            for (int r = 0; r < rowCount; r++)
            {
                ReadOnlySpan<uint> row = keys.Span.Slice(r * columns, columns);
                RankThreshold threshold = RadixSelect.Lowest(row, remove);
                long ties = threshold.Ties;
                RemoveLowest(row, threshold.Key, ref ties, mask.Words(firstRow + r), 0);
            }
        }, cancellationToken);
        return mask;
    }

    // All keys are held, because a tile takes a few columns of every row.
    private static WeightMask SelectTiles(
        IScoreSource scores, int width, double sparsity, CancellationToken cancellationToken)
    {
        int rows = scores.Rows, columns = scores.Columns;
        var mask = new WeightMask(rows, columns);
        var keys = new uint[(long)rows * columns];
        RowChunks.ForEach(rows, columns, (firstRow, rowCount) =>
            ScoreKeys.Read(scores, firstRow, rowCount, keys.AsSpan(firstRow * columns, rowCount * columns)),
            cancellationToken);

        // Thresholds are found in parallel; the mask is written by one thread, since tiles may share a word.
        int tiles = (columns + width - 1) / width;
        var thresholds = new RankThreshold?[tiles];
        RowChunks.For(tiles, tile =>
            thresholds[tile] = TileThreshold(keys, rows, columns, tile * width, width, sparsity), cancellationToken);
        for (int tile = 0; tile < tiles; tile++)
        {
            if (thresholds[tile] is not { } threshold) continue;
            int first = tile * width;
            long ties = threshold.Ties;
            for (int row = 0; row < rows; row++)
            {
                ReadOnlySpan<uint> part = keys.AsSpan(row * columns + first, Math.Min(width, columns - first));
                RemoveLowest(part, threshold.Key, ref ties, mask.Words(row), first);
            }
        }

        return mask;
    }

    private static RankThreshold? TileThreshold(
        uint[] keys, int rows, int columns, int first, int width, double sparsity)
    {
        width = Math.Min(width, columns - first);
        int remove = (int)RemovedOf((long)rows * width, sparsity);
        if (remove == 0) return null;
        using var tile = new PooledBuffer<uint>(rows * width);
        for (int row = 0; row < rows; row++)
            keys.AsSpan(row * columns + first, width).CopyTo(tile.Span.Slice(row * width, width));
        return RadixSelect.Lowest(tile.Span, remove);
    }

    private static void RemoveLowest(
        ReadOnlySpan<uint> keys, uint limit, ref long ties, Span<ulong> words, int firstColumn)
    {
        for (int start = 0; start < keys.Length; start += ScoreKeys.RunLength)
        {
            ReadOnlySpan<uint> run = keys.Slice(start, Math.Min(ScoreKeys.RunLength, keys.Length - start));
            (ulong removed, ulong equal) = ScoreKeys.Compare(run, limit);
            for (; equal != 0 && ties > 0; equal &= equal - 1, ties--) removed |= equal & (0 - equal);
            WeightMask.Remove(words, firstColumn + start, removed);
        }
    }

    private static WeightMask SelectNofM(IScoreSource scores, NofMPattern pattern, CancellationToken cancellationToken)
    {
        var mask = new WeightMask(scores.Rows, scores.Columns);
        int columns = scores.Columns;
        RowChunks.ForEach(scores.Rows, columns, (firstRow, rowCount) =>
        {
            using var keys = new PooledBuffer<uint>(rowCount * columns);
            ScoreKeys.Read(scores, firstRow, rowCount, keys.Span);
            for (int r = 0; r < rowCount; r++)
            {
                for (int column = 0; column < columns; column += pattern.M)
                {
                    ReadOnlySpan<uint> group = keys.Span.Slice(r * columns + column, pattern.M);
                    RankThreshold threshold = RadixSelect.LowestOfFew(group, pattern.M - pattern.N);
                    long ties = threshold.Ties;
                    RemoveLowest(group, threshold.Key, ref ties, mask.Words(firstRow + r), column);
                }
            }
        }, cancellationToken);
        return mask;
    }
}
