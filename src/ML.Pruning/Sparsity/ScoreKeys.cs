namespace ML.Pruning.Sparsity;

/// <summary>Maps scores to unsigned integers of the same order.</summary>
internal static class ScoreKeys
{
    /// <summary>The keys of scores; both zeros have the same one.</summary>
    /// <exception cref="ArgumentException">A score is NaN or positive infinity; the message names tensor and
    /// place.</exception>
    public static void From(IScoreSource source, int firstRow, ReadOnlySpan<float> scores, Span<uint> keys)
    {
        for (int i = 0; i < scores.Length; i++)
        {
            float score = scores[i] + 0f;
            if (!(score < float.PositiveInfinity)) throw NotFinite(source, firstRow, i, score);
            uint bits = BitConverter.SingleToUInt32Bits(score);
            keys[i] = bits ^ ((uint)((int)bits >> 31) | 0x8000_0000u);
        }
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
