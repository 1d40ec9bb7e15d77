namespace ML.Pruning.Models;

/// <summary>The checks that every <see cref="ILanguageModelEngine"/> makes.</summary>
internal static class EngineArguments
{
    /// <summary>Checks a batch of token sequences.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="tokens">Token ids [batch, length], row-major.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="past">Tokens that the model has seen before these.</param>
    /// <returns>The length of a sequence.</returns>
    /// <exception cref="ArgumentException">A token is outside the vocabulary, the length exceeds the context, or the
    /// tokens do not fill the batch.</exception>
    public static int CheckTokens(ModelSpec spec, ReadOnlySpan<int> tokens, int batch, int past = 0)
    {
        if (batch < 1) throw new ArgumentException($"The batch size is {batch}; at least 1.", nameof(batch));
        if (tokens.IsEmpty || tokens.Length % batch != 0)
        {
            throw new ArgumentException(
                $"There are {tokens.Length} tokens; a batch of {batch} needs a positive multiple "
                + "of that.", nameof(tokens));
        }

        int length = tokens.Length / batch;
        if (past + (long)length > spec.ContextLength)
        {
            throw new ArgumentException($"The sequence has {past + (long)length} tokens; the model's context is "
                + $"{spec.ContextLength}.", nameof(tokens));
        }

        for (int i = 0; i < tokens.Length; i++)
        {
            if ((uint)tokens[i] >= (uint)spec.VocabularySize)
            {
                throw new ArgumentException($"Token {i} is {tokens[i]}; the model's vocabulary has the tokens 0 to "
                    + $"{spec.VocabularySize - 1}.", nameof(tokens));
            }
        }

        return length;
    }

    /// <summary>Checks that there are sessions, each once, and tokens for each.</summary>
    /// <param name="sessions">The sessions.</param>
    /// <param name="tokens">Their tokens.</param>
    /// <exception cref="ArgumentException">There is no session, one comes twice, or the counts differ.</exception>
    public static void CheckSessions(
        IReadOnlyList<IDecodingSession> sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens)
    {
        ArgumentNullException.ThrowIfNull(sessions);
        ArgumentNullException.ThrowIfNull(tokens);
        if (sessions.Count == 0)
            throw new ArgumentException("There are no sessions; give at least one.", nameof(sessions));
        if (sessions.Count != tokens.Count)
        {
            throw new ArgumentException($"There are {sessions.Count} sessions and tokens for {tokens.Count}; the "
                + "numbers must be equal.", nameof(tokens));
        }

        if (sessions.Distinct(ReferenceEqualityComparer.Instance).Count() != sessions.Count)
            throw new ArgumentException("A session is given twice; give each once.", nameof(sessions));
    }

    /// <summary>Refuses an encoder where text is continued or scored token by token.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <exception cref="NotSupportedException">It is one.</exception>
    public static void RequireDecoder(ModelSpec spec)
    {
        if (spec.Encoder is not null)
        {
            throw new NotSupportedException($"A {spec.Family} model is an encoder: every token sees the whole text, so "
                + "that it predicts no next token. Classify text with it, or take a decoder.");
        }
    }

    /// <summary>Checks the arguments of <see cref="ILanguageModelEngine.LabelScores"/>.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="tokens">Token ids [batch, length], row-major.</param>
    /// <param name="lengths">Tokens of each text.</param>
    /// <param name="scores">Elements of the destination.</param>
    /// <returns>The length of a row.</returns>
    /// <exception cref="NotSupportedException">The model does not tell labels apart.</exception>
    /// <exception cref="ArgumentException">A token or length is out of range, or a size does not fit.</exception>
    public static int CheckTexts(ModelSpec spec, ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, int scores)
    {
        if (spec.Encoder is not { IsClassifier: true } encoder)
            throw new NotSupportedException($"This {spec.Family} model has no head that tells labels apart.");
        int length = CheckTokens(spec, tokens, lengths.Length);
        CheckLengths(lengths, lengths.Length, length);
        CheckDestination(scores, (long)lengths.Length * encoder.Labels.Count, "[batch, labels]");
        return length;
    }

    /// <summary>Checks the lengths of sequences that are filled up.</summary>
    /// <param name="lengths">Tokens of each sequence; empty = all fill the batch.</param>
    /// <param name="batch">Number of sequences.</param>
    /// <param name="length">Tokens of the longest.</param>
    /// <exception cref="ArgumentException">Their number differs, or one is out of range.</exception>
    public static void CheckLengths(ReadOnlySpan<int> lengths, int batch, int length)
    {
        if (lengths.Length > 0 && lengths.Length != batch)
        {
            throw new ArgumentException($"There are {lengths.Length} lengths for {batch} sequences.", nameof(lengths));
        }

        foreach (int own in lengths)
        {
            if (own < 1 || own > length)
            {
                throw new ArgumentException($"A text has {own} tokens; it must have between 1 and {length}.",
                    nameof(lengths));
            }
        }
    }

    /// <summary>Checks the size of a destination.</summary>
    /// <param name="actual">Elements that it has.</param>
    /// <param name="expected">Elements that are needed.</param>
    /// <param name="shape">What they are, for the message.</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static void CheckDestination(int actual, long expected, string shape)
    {
        if (actual != expected)
            throw new ArgumentException($"The destination has {actual} elements; {shape} needs {expected}.");
    }
}
