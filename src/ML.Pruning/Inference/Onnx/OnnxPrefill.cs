namespace ML.Pruning.Inference.Onnx;

/// <summary>Lets new sequences take short prompts of similar lengths in one run. Prompts that are long, or follow other
/// tokens, gain nothing from company.</summary>
internal static class OnnxPrefill
{
    // Tokens of a run with several prompts: enough for products of matrices to be bound by arithmetic.
    private const int TokensPerRun = 1024;

    // Prompts of a run have similar lengths, so that little is filled up.
    private const int Slack = 16;
    private const long LogitsPerRun = 1 << 24;

    /// <summary>Appends all tokens but the last of each sequence.</summary>
    /// <param name="sessions">The sequences, each of which can share runs.</param>
    /// <param name="tokens">For each its tokens, at least one.</param>
    public static void AppendAllButLast(OnnxDecodingSession[] sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens)
    {
        int vocabulary = sessions[0].Decoder.Spec.VocabularySize;
        foreach (int[] rows in Groups(sessions, tokens).Where(rows => tokens[rows[^1]].Length > 1))
        {
            ReadOnlyMemory<int>[] parts = [.. rows.Select(i => tokens[i][..^1])];
            if (rows is [int only])
            {
                sessions[only].Append(parts[0].Span, new float[vocabulary]);
                continue;
            }

            using var batch = new OnnxBatch([.. rows.Select(i => sessions[i])], parts[^1].Length);
            batch.Append(parts, new float[rows.Length * vocabulary]);
        }
    }

    /// <summary>Appends all tokens of sequences that cannot share runs.</summary>
    /// <param name="sessions">The sequences.</param>
    /// <param name="tokens">For each its tokens, at least one.</param>
    /// <param name="logits">Destination [sequences, vocabulary]: the logits after the last token of each.</param>
    public static void Append(
        OnnxDecodingSession[] sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        int vocabulary = sessions[0].Decoder.Spec.VocabularySize;
        foreach (int[] rows in Groups(sessions, tokens))
        {
            if (rows is [int only])
            {
                sessions[only].Append(tokens[only].Span, logits.Slice(only * vocabulary, vocabulary));
                continue;
            }

            var of = new float[rows.Length * vocabulary];
            OnnxStart.Append([.. rows.Select(i => sessions[i])], [.. rows.Select(i => tokens[i])], of);
            for (int row = 0; row < rows.Length; row++)
                of.AsSpan(row * vocabulary, vocabulary).CopyTo(logits[(rows[row] * vocabulary)..]);
        }
    }

    // The sequences that run together, each group by rising length, and those that run alone.
    private static List<int[]> Groups(
        OnnxDecodingSession[] sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens)
    {
        int vocabulary = sessions[0].Decoder.Spec.VocabularySize;
        int[] all = [.. Enumerable.Range(0, sessions.Length).OrderBy(i => tokens[i].Length)];
        int[] starting = [.. all.Where(StartsShort)];
        List<int[]> groups = [.. all.Where(i => !StartsShort(i)).Select(i => new[] { i })];
        for (int first = 0, next; first < starting.Length; first = next)
        {
            for (next = first + 1; next < starting.Length && Fits(starting[first], starting[next], next - first + 1);)
                next++;
            groups.Add(starting[first..next]);
        }

        return groups;

        bool StartsShort(int i) => sessions[i] is { CanStartTogether: true, Length: 0 }
            && tokens[i].Length is > 1 and <= OnnxDecodingSession.ChunkTokens;

        bool Fits(int shortest, int longest, int count)
        {
            int from = tokens[shortest].Length, to = tokens[longest].Length;
            return count * to <= TokensPerRun && to <= 2 * from + Slack
                && (long)count * (to - from + 1) * vocabulary <= LogitsPerRun;
        }
    }
}
