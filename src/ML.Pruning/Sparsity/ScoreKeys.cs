using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ML.Pruning.Sparsity;

/// <summary>Maps scores to unsigned integers of the same order.</summary>
internal static class ScoreKeys
{
    private const uint Sign = 0x8000_0000;

    /// <summary>Keys that are compared at once, at most: as many as a word has bits.</summary>
    public const int RunLength = 64;

    /// <summary>The keys of scores; both zeros have the same one.</summary>
    /// <exception cref="ArgumentException">A score is NaN or positive infinity; the message names tensor and
    /// place.</exception>
    public static void From(IScoreSource source, int firstRow, ReadOnlySpan<float> scores, Span<uint> keys)
    {
        int i = 0;
        for (; i <= scores.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> some = new Vector<float>(scores[i..]) + Vector<float>.Zero;
            if (!Vector.LessThanAll(some, new Vector<float>(float.PositiveInfinity))) break;
            Vector<uint> bits = Vector.AsVectorUInt32(some);
            Vector<uint> negative = Vector.AsVectorUInt32(Vector.ShiftRightArithmetic(Vector.AsVectorInt32(some), 31));
            (bits ^ (negative | new Vector<uint>(Sign))).CopyTo(keys[i..]);
        }

        for (; i < scores.Length; i++)
        {
            float score = scores[i] + 0f;
            if (!(score < float.PositiveInfinity)) throw NotFinite(source, firstRow, i, score);
            uint bits = BitConverter.SingleToUInt32Bits(score);
            keys[i] = bits ^ ((uint)((int)bits >> 31) | Sign);
        }
    }

    /// <summary>Compares keys with a limit.</summary>
    /// <param name="keys">At most <see cref="RunLength"/>.</param>
    /// <param name="limit">The limit.</param>
    /// <returns>A bit for each key below the limit, and for each that equals it.</returns>
    public static (ulong Below, ulong Equal) Compare(ReadOnlySpan<uint> keys, uint limit)
    {
        ulong below = 0, equal = 0;
        ReadOnlySpan<Vector256<uint>> vectors = MemoryMarshal.Cast<uint, Vector256<uint>>(keys);
        Vector256<uint> limits = Vector256.Create(limit);
        for (int i = 0; i < vectors.Length; i++)
        {
            int shift = i * Vector256<uint>.Count;
            below |= (ulong)Vector256.LessThan(vectors[i], limits).ExtractMostSignificantBits() << shift;
            equal |= (ulong)Vector256.Equals(vectors[i], limits).ExtractMostSignificantBits() << shift;
        }

        for (int i = vectors.Length * Vector256<uint>.Count; i < keys.Length; i++)
        {
            if (keys[i] < limit) below |= 1UL << i;
            if (keys[i] == limit) equal |= 1UL << i;
        }

        return (below, equal);
    }

    /// <summary>Reads rows of a source as keys.</summary>
    public static void Read(IScoreSource source, int firstRow, int rowCount, Span<uint> keys)
    {
        using var scores = new PooledBuffer<float>(rowCount * source.Columns);
        source.ReadScores(firstRow, rowCount, scores.Span);
        From(source, firstRow, scores.Span, keys);
    }

    private static ArgumentException NotFinite(IScoreSource source, int firstRow, int offset, float score)
    {
        int row = firstRow + offset / source.Columns, column = offset % source.Columns;
        return new ArgumentException($"Tensor '{source.Name}': the score of weight [{row}, {column}] is {score}; "
            + "scores must be finite. Check the weights and the calibration data.");
    }
}
