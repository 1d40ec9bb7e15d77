using System.Buffers;
using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.ExceptionServices;

namespace ML.Pruning.Sparsity;

/// <summary>Removes the lowest scores of several tensors together, reading them in a few passes instead of holding
/// them.</summary>
/// <remarks>Two histograms, of the upper and of the lower half of the keys, give the exact threshold; counts add up to
/// the same whatever thread counts, so the result does not depend on the threads.</remarks>
internal sealed class JointSelection
{
    private const int HalfBits = 16;
    private const int Bins = 1 << HalfBits;

    private readonly IReadOnlyList<IScoreSource> _sources;
    private readonly Chunk[] _chunks;
    private readonly CancellationToken _cancellationToken;

    private JointSelection(IReadOnlyList<IScoreSource> sources, CancellationToken cancellationToken)
    {
        _sources = sources;
        _cancellationToken = cancellationToken;
        _chunks = [.. sources.SelectMany((source, index) => RowChunks.Of(source.Rows, source.Columns)
            .Select(c => new Chunk(index, c.FirstRow, c.RowCount)))];
    }

    /// <summary>The masks after the lowest <paramref name="remove"/> scores went; of equal ones those of the earlier
    /// tensor, row and column.</summary>
    public static WeightMask[] Select(
        IReadOnlyList<IScoreSource> sources, long remove, CancellationToken cancellationToken)
    {
        WeightMask[] masks = [.. sources.Select(s => new WeightMask(s.Rows, s.Columns))];
        if (remove == 0) return masks;
        var selection = new JointSelection(sources, cancellationToken);
        selection.Apply(selection.FindThreshold(remove), masks);
        return masks;
    }

    private RankThreshold FindThreshold(long remove)
    {
        long rest = remove;
        uint upper = Locate(null, ref rest);
        uint lower = Locate(upper, ref rest);
        return new RankThreshold(upper << HalfBits | lower, rest);
    }

    // The upper half in which the rank lies, or the lower half beside a certain upper one; the rank becomes one within
    // it.
    private uint Locate(uint? upper, ref long rank)
    {
        long[] histogram = RentBins();
        CountAll(upper, histogram);
        uint bin = 0;
        while (histogram[bin] < rank) rank -= histogram[bin++];
        ArrayPool<long>.Shared.Return(histogram);
        return bin;
    }

    private static long[] RentBins()
    {
        long[] bins = ArrayPool<long>.Shared.Rent(Bins);
        bins.AsSpan().Clear();
        return bins;
    }

    private void CountAll(uint? upper, long[] total)
    {
        try
        {
            Parallel.For(0, _chunks.Length, ThreadLimit.Options(_cancellationToken), RentBins,
                (i, _, counts) =>
                {
                    using PooledBuffer<uint> keys = ReadKeys(_chunks[i]);
                    Count(keys.Span, upper, counts);
                    return counts;
                },
                counts =>
                {
                    lock (total) TensorPrimitives.Add<long>(total.AsSpan(0, Bins), counts.AsSpan(0, Bins), total);
                    ArrayPool<long>.Shared.Return(counts);
                });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    private static void Count(ReadOnlySpan<uint> keys, uint? upper, long[] counts)
    {
        if (upper is not { } only)
        {
            foreach (uint key in keys) counts[key >> HalfBits]++;
            return;
        }

        foreach (uint key in keys)
            if (key >> HalfBits == only) counts[key & (Bins - 1)]++;
    }

    private void Apply(RankThreshold threshold, WeightMask[] masks)
    {
        // First all keys equal to the threshold go, and are counted; then those beyond the allowance come back.
        var ties = new long[_chunks.Length];
        RowChunks.For(_chunks.Length, i => ties[i] = Remove(_chunks[i], threshold.Key, masks), _cancellationToken);
        var allowance = new long[_chunks.Length];
        long left = threshold.Ties;
        for (int i = 0; i < ties.Length; i++)
        {
            allowance[i] = Math.Min(left, ties[i]);
            left -= allowance[i];
        }

        RowChunks.For(_chunks.Length, i =>
        {
            if (allowance[i] < ties[i]) Restore(_chunks[i], threshold.Key, allowance[i], masks);
        }, _cancellationToken);
    }

    private long Remove(Chunk chunk, uint limit, WeightMask[] masks)
    {
        using PooledBuffer<uint> keys = ReadKeys(chunk);
        int columns = _sources[chunk.Source].Columns;
        long ties = 0;
        for (int r = 0; r < chunk.RowCount; r++)
        {
            Span<ulong> words = masks[chunk.Source].Words(chunk.FirstRow + r);
            ReadOnlySpan<uint> row = keys.Span.Slice(r * columns, columns);
            for (int start = 0; start < columns; start += ScoreKeys.RunLength)
            {
                (ulong below, ulong equal) =
                    ScoreKeys.Compare(row.Slice(start, Math.Min(ScoreKeys.RunLength, columns - start)), limit);
                WeightMask.Remove(words, start, below | equal);
                ties += BitOperations.PopCount(equal);
            }
        }

        return ties;
    }

    private void Restore(Chunk chunk, uint tie, long allowance, WeightMask[] masks)
    {
        using PooledBuffer<uint> keys = ReadKeys(chunk);
        int columns = _sources[chunk.Source].Columns;
        for (int i = 0; i < keys.Span.Length; i++)
        {
            if (keys.Span[i] == tie && --allowance < 0)
                WeightMask.Keep(masks[chunk.Source].Words(chunk.FirstRow + i / columns), i % columns);
        }
    }

    private PooledBuffer<uint> ReadKeys(Chunk chunk)
    {
        IScoreSource source = _sources[chunk.Source];
        var keys = new PooledBuffer<uint>(chunk.RowCount * source.Columns);
        ScoreKeys.Read(source, chunk.FirstRow, chunk.RowCount, keys.Span);
        return keys;
    }

    private readonly record struct Chunk(int Source, int FirstRow, int RowCount);
}
