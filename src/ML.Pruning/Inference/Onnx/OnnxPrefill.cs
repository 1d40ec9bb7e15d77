namespace ML.Pruning.Inference.Onnx;

/// <summary>Lets sequences that share runs take their prompts.</summary>
internal static class OnnxPrefill
{
    // Tokens of a run with several prompts: enough for products of matrices to be bound by arithmetic.
    private const int TokensPerRun = 1024;

    // Prompts of a run have similar lengths, so that little is filled up.
    private const int Slack = 16;

    /// <summary>Appends all tokens but the last of each sequence: those of new, short ones in runs together, those of
    /// others in chunks alone, which leaves nothing to gain.</summary>
    /// <param name="sessions">The sequences, each of which can share runs.</param>
    /// <param name="tokens">For each its tokens, at least one.</param>
    /// <param name="vocabulary">Tokens in the vocabulary.</param>
    public static void AppendAllButLast(
        OnnxDecodingSession[] sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens, int vocabulary)
    {
        int[] open = [.. Enumerable.Range(0, sessions.Length).Where(i => tokens[i].Length > 1)];
        foreach (int i in open.Where(i => !StartsShort(i))) Alone(i);
        int[] starting = [.. open.Where(StartsShort).OrderBy(i => tokens[i].Length)];
        for (int first = 0, next; first < starting.Length; first = next)
        {
            for (next = first + 1; next < starting.Length && Fits(starting[first], starting[next], next - first + 1);)
                next++;
            Together(starting[first..next]);
        }

        bool StartsShort(int i) => sessions[i].Length == 0 && tokens[i].Length <= OnnxDecodingSession.ChunkTokens;

        bool Fits(int shortest, int longest, int count) => count * (tokens[longest].Length - 1) <= TokensPerRun
            && tokens[longest].Length <= 2 * tokens[shortest].Length + Slack;

        void Alone(int i) => sessions[i].Append(tokens[i].Span[..^1], new float[vocabulary]);

        void Together(int[] rows)
        {
            if (rows is [int only])
            {
                Alone(only);
                return;
            }

            using var batch = new OnnxBatch([.. rows.Select(i => sessions[i])], tokens[rows[^1]].Length - 1);
            batch.Append([.. rows.Select(i => tokens[i][..^1])], new float[rows.Length * vocabulary]);
        }
    }
}
