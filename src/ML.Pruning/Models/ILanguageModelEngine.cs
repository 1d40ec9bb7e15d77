namespace ML.Pruning.Models;

/// <summary>Runs a <see cref="LanguageModel"/>. Implementations stand over torch or ONNX Runtime; no type of either
/// shows here.</summary>
/// <remarks>Thread-safe, except that one <see cref="IDecodingSession"/> serves one thread. Disposing the engine frees
/// its weights; the model disposes the engines that it made.</remarks>
public interface ILanguageModelEngine : IDisposable
{
    /// <summary>Name of the engine: <c>torch</c> or <c>onnx</c>.</summary>
    string Name { get; }

    /// <summary>Logits after every token.</summary>
    /// <param name="tokens">Token ids [batch, length], row-major; length is tokens.Length / batch.</param>
    /// <param name="batch">Number of sequences, at least 1.</param>
    /// <param name="logits">Destination [batch, length, vocabulary], float32.</param>
    /// <exception cref="ArgumentException">A token is outside the vocabulary, the length exceeds the context, or a
    /// buffer has the wrong size.</exception>
    /// <exception cref="NotSupportedException">The model predicts no tokens.</exception>
    void Logits(ReadOnlySpan<int> tokens, int batch, Span<float> logits);

    /// <summary>Natural logarithm of the probability of every token but the first, given those before it.</summary>
    /// <param name="tokens">Token ids [batch, length], row-major; sequences shorter than length are padded at the
    /// right with any token, whose results the caller ignores.</param>
    /// <param name="batch">Number of sequences, at least 1.</param>
    /// <param name="logProbabilities">Destination [batch, length - 1]; entry t belongs to token t + 1.</param>
    /// <exception cref="ArgumentException">As for <see cref="Logits"/>.</exception>
    /// <exception cref="NotSupportedException">The model is an encoder.</exception>
    void NextTokenLogProbabilities(ReadOnlySpan<int> tokens, int batch, Span<double> logProbabilities);

    /// <summary>Scores the labels of texts; for encoders that tell labels apart.</summary>
    /// <param name="tokens">Token ids [batch, length], row-major, special tokens included; what fills up shorter texts
    /// at the right is ignored.</param>
    /// <param name="lengths">Tokens of each text [batch], from 1 to length.</param>
    /// <param name="scores">Destination [batch, labels], float32: logits.</param>
    /// <exception cref="NotSupportedException">The model is another one.</exception>
    /// <exception cref="ArgumentException">As for <see cref="Logits"/>, or a length is out of range.</exception>
    void LabelScores(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, Span<float> scores) =>
        throw new NotSupportedException($"The engine {Name} does not tell labels apart.");

    /// <summary>The states after the last layer and the final norm: what the head sees of every token. Of an encoder
    /// those after the last layer.</summary>
    /// <param name="tokens">Token ids [batch, length], row-major; shorter sequences are padded at the right with any
    /// token, whose states the caller ignores.</param>
    /// <param name="batch">Number of sequences, at least 1.</param>
    /// <param name="states">Destination [batch, length, hidden], float32.</param>
    /// <param name="lengths">Of an encoder the tokens of each sequence [batch], so that padding is not seen; empty =
    /// all fill the batch. Without meaning for decoders.</param>
    /// <exception cref="ArgumentException">As for <see cref="Logits"/>, or a length is out of range.</exception>
    /// <exception cref="NotSupportedException">The engine does not give them.</exception>
    void HiddenStates(
        ReadOnlySpan<int> tokens, int batch, Span<float> states, ReadOnlySpan<int> lengths = default) =>
        throw new NotSupportedException($"The engine {Name} does not give the states of tokens.");

    /// <summary>Starts a decoding session with an empty key/value cache.</summary>
    /// <returns>The session; the caller disposes it.</returns>
    /// <exception cref="NotSupportedException">The model is an encoder.</exception>
    IDecodingSession StartDecoding();

    /// <summary>Starts a decoding session with room for a number of tokens, so that the key/value cache need not be
    /// moved while it grows to that.</summary>
    /// <remarks>This default ignores the number.</remarks>
    /// <param name="expectedTokens">Tokens that the sequence is expected to have at most, prompt included; more are
    /// possible.</param>
    /// <returns>The session; the caller disposes it.</returns>
    /// <exception cref="NotSupportedException">The model is an encoder.</exception>
    IDecodingSession StartDecoding(int expectedTokens) => StartDecoding();

    /// <summary>Appends tokens to several sequences at once. Each keeps its own positions and sees only its own tokens;
    /// the logits are those that it gets alone, up to rounding.</summary>
    /// <remarks>This default appends to one session after the other; an engine that can run several sequences through
    /// its weights together does so.</remarks>
    /// <param name="sessions">Sessions of this engine, each once, of any lengths.</param>
    /// <param name="tokens">For each session the token ids, at least one.</param>
    /// <param name="logits">Destination [sessions, vocabulary], float32: the logits after each sequence's last
    /// token.</param>
    /// <exception cref="ArgumentException">As for <see cref="IDecodingSession.Append"/>; or the sessions are none, come
    /// twice, belong to another engine, or differ in number from <paramref name="tokens"/>.</exception>
    void Append(
        IReadOnlyList<IDecodingSession> sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        EngineArguments.CheckSessions(sessions, tokens);
        int vocabulary = logits.Length / sessions.Count;
        for (int i = 0; i < sessions.Count; i++)
            sessions[i].Append(tokens[i].Span, logits.Slice(i * vocabulary, vocabulary));
    }
}

/// <summary>Decoding of one sequence with a key/value cache.</summary>
/// <remarks>Not thread-safe.</remarks>
public interface IDecodingSession : IDisposable
{
    /// <summary>Tokens seen so far.</summary>
    int Length { get; }

    /// <summary>Appends tokens and computes the logits after the last one.</summary>
    /// <param name="tokens">Token ids, at least one.</param>
    /// <param name="logits">Destination [vocabulary], float32.</param>
    /// <exception cref="ArgumentException">A token is outside the vocabulary, the context is exceeded, or the buffer
    /// has the wrong size.</exception>
    void Append(ReadOnlySpan<int> tokens, Span<float> logits);
}
