using System.Numerics;
using System.Numerics.Tensors;

namespace ML.Pruning.Sparsity;

/// <summary>Where the lowest keys end: those below <paramref name="Key"/> go, and the first <paramref name="Ties"/> of
/// those equal to it.</summary>
internal readonly record struct RankThreshold(uint Key, long Ties);

/// <summary>Finds the threshold of the lowest keys without sorting: a histogram over the range of the keys, then one
/// over the range of those in the bin where the threshold lies, and so on.</summary>
internal static class RadixSelect
{
    private const int BinBits = 9;

    /// <summary>The threshold of the lowest <paramref name="count"/> keys.</summary>
    /// <param name="keys">The keys; not changed.</param>
    /// <param name="count">From 1 to the number of keys.</param>
    public static RankThreshold Lowest(ReadOnlySpan<uint> keys, int count)
    {
        Span<int> histogram = stackalloc int[1 << BinBits];
        using var buffer = new PooledBuffer<uint>(keys.Length);
        ReadOnlySpan<uint> left = keys;
        int rest = count;
        while (true)
        {
            uint lowest = TensorPrimitives.Min(left), range = TensorPrimitives.Max(left) - lowest;
            if (range == 0) return new RankThreshold(lowest, rest);
            int shift = Math.Max(0, 32 - BitOperations.LeadingZeroCount(range) - BinBits);
            histogram.Clear();
            foreach (uint key in left) histogram[(int)(key - lowest >> shift)]++;
            int bin = 0;
            while (histogram[bin] < rest) rest -= histogram[bin++];
            if (shift == 0) return new RankThreshold(lowest + (uint)bin, rest);

            // Each key is written, and counts only if it lies in the bin.
            Span<uint> target = buffer.Span;
            int kept = 0;
            foreach (uint key in left)
            {
                target[kept] = key;
                kept += key - lowest >> shift == (uint)bin ? 1 : 0;
                if (kept == histogram[bin]) break;
            }

            left = target[..kept];
        }
    }

    /// <summary>The same for a few keys, by sorting a copy on the stack.</summary>
    /// <param name="keys">At most 256 keys; not changed.</param>
    /// <param name="count">From 1 to the number of keys.</param>
    public static RankThreshold LowestOfFew(ReadOnlySpan<uint> keys, int count)
    {
        Span<uint> sorted = stackalloc uint[keys.Length];
        keys.CopyTo(sorted);
        sorted.Sort();
        uint key = sorted[count - 1];
        return new RankThreshold(key, count - sorted.IndexOf(key));
    }
}
