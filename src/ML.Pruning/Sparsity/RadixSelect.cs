namespace ML.Pruning.Sparsity;

/// <summary>Where the lowest keys end: those below <paramref name="Key"/> go, and the first <paramref name="Ties"/> of
/// those equal to it.</summary>
internal readonly record struct RankThreshold(uint Key, long Ties);

/// <summary>Finds the threshold of the lowest keys without sorting: one digit of the key after the other.</summary>
internal static class RadixSelect
{
    private const int Digits = 4;
    private const int DigitBits = 8;

    /// <summary>The threshold of the lowest <paramref name="count"/> keys.</summary>
    /// <param name="keys">The keys; not changed.</param>
    /// <param name="count">From 1 to the number of keys.</param>
    public static RankThreshold Lowest(ReadOnlySpan<uint> keys, int count)
    {
        Span<int> histogram = stackalloc int[1 << DigitBits];
        uint prefix = 0, mask = 0;
        long rest = count;
        for (int digit = Digits - 1; digit >= 0; digit--)
        {
            int shift = digit * DigitBits;
            histogram.Clear();
            foreach (uint key in keys)
                if ((key & mask) == prefix) histogram[(int)(key >> shift & 0xFF)]++;
            int value = 0;
            while (histogram[value] < rest) rest -= histogram[value++];
            prefix |= (uint)value << shift;
            mask |= 0xFFu << shift;
        }

        return new RankThreshold(prefix, rest);
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
