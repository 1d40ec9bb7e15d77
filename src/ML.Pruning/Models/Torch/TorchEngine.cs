using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Runs a model with torch.</summary>
/// <remarks>The weights are copied at construction, into the type to compute in. Thread-safe; dispose it when no call
/// and no session is under way.</remarks>
internal sealed class TorchEngine : ILanguageModelEngine
{
    // Attention is fastest while the scores of a pass fit the cache; the wider bound keeps the memory of the MLP small.
    private const long ScoresPerPass = 1 << 20;
    private const long ActivationsPerPass = 1 << 24;
    private readonly TorchDecoder _decoder;

    /// <summary>Loads a model to compute in float32.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    public TorchEngine(LanguageModel model)
        : this(model, ScalarType.Float32)
    {
    }

    /// <summary>Loads a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="computeType">The floating-point type to compute in.</param>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    public TorchEngine(LanguageModel model, ScalarType computeType)
    {
        _decoder = TorchDecoder.Load(model, computeType);
    }

    /// <inheritdoc/>
    public string Name => "torch";

    /// <inheritdoc/>
    public void Logits(ReadOnlySpan<int> tokens, int batch, Span<float> logits)
    {
        int length = EngineArguments.CheckTokens(_decoder.Spec, tokens, batch);
        EngineArguments.CheckDestination(
            logits.Length, (long)tokens.Length * _decoder.Spec.VocabularySize, "[batch, length, vocabulary]");
        int rowLogits = length * _decoder.Spec.VocabularySize;
        int step = SequencesPerPass(length);
        using IDisposable noGrad = no_grad();
        for (int start = 0; start < batch; start += step)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(step, batch - start);
            Tensor ids = TorchWeights.ToTokens(tokens.Slice(start * length, count * length), count);
            TorchWeights.CopyTo(_decoder.forward(ids), logits.Slice(start * rowLogits, count * rowLogits));
        }
    }

    /// <inheritdoc/>
    public void NextTokenLogProbabilities(ReadOnlySpan<int> tokens, int batch, Span<double> logProbabilities)
    {
        EngineArguments.RequireDecoder(_decoder.Spec);
        int length = EngineArguments.CheckTokens(_decoder.Spec, tokens, batch);
        EngineArguments.CheckDestination(
            logProbabilities.Length, (long)batch * (length - 1), "[batch, length - 1]");
        if (length == 1) return;

        int step = SequencesPerPass(length);
        using IDisposable noGrad = no_grad();
        for (int start = 0; start < batch; start += step)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(step, batch - start);
            Tensor ids = TorchWeights.ToTokens(tokens.Slice(start * length, count * length), count);
            Tensor hidden = _decoder.Hidden(ids.narrow(1, 0, length - 1), null);
            _decoder.Head.LogProbabilities(
                hidden.view(count * (length - 1), _decoder.Spec.HiddenSize),
                ids.narrow(1, 1, length - 1).reshape(-1),
                logProbabilities.Slice(start * (length - 1), count * (length - 1)));
        }
    }

    /// <inheritdoc/>
    public void LabelScores(ReadOnlySpan<int> tokens, ReadOnlySpan<int> lengths, Span<float> scores)
    {
        int length = EngineArguments.CheckTexts(_decoder.Spec, tokens, lengths, scores.Length);
        int labels = _decoder.Spec.Encoder!.Labels.Count;
        int step = SequencesPerPass(length);
        using IDisposable noGrad = no_grad();
        for (int start = 0; start < lengths.Length; start += step)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(step, lengths.Length - start);
            Tensor ids = TorchWeights.ToTokens(tokens.Slice(start * length, count * length), count);
            Tensor? padding = TorchDecoder.Padding(
                lengths.Slice(start, count).ToArray(), length, _decoder.Embedding.ComputeType);
            Tensor hidden = _decoder.Hidden(ids, null, padding);
            TorchWeights.CopyTo(_decoder.Classifier.Forward(hidden), scores.Slice(start * labels, count * labels));
        }
    }

    /// <inheritdoc/>
    public void HiddenStates(
        ReadOnlySpan<int> tokens, int batch, Span<float> states, ReadOnlySpan<int> lengths = default)
    {
        int length = EngineArguments.CheckTokens(_decoder.Spec, tokens, batch);
        EngineArguments.CheckLengths(lengths, batch, length);
        EngineArguments.CheckDestination(
            states.Length, (long)tokens.Length * _decoder.Spec.HiddenSize, "[batch, length, hidden]");
        bool isEncoder = _decoder.Spec.Encoder is not null;
        int rowStates = length * _decoder.Spec.HiddenSize;
        int step = SequencesPerPass(length);
        using IDisposable noGrad = no_grad();
        for (int start = 0; start < batch; start += step)
        {
            using DisposeScope scope = NewDisposeScope();
            int count = Math.Min(step, batch - start);
            Tensor ids = TorchWeights.ToTokens(tokens.Slice(start * length, count * length), count);
            int[]? own = isEncoder && lengths.Length > 0 ? lengths.Slice(start, count).ToArray() : null;
            Tensor hidden =
                _decoder.Hidden(ids, null, TorchDecoder.Padding(own, length, _decoder.Embedding.ComputeType));
            TorchWeights.CopyTo(isEncoder ? hidden : _decoder.Head.Norm.forward(hidden),
                states.Slice(start * rowStates, count * rowStates));
        }
    }

    /// <inheritdoc/>
    public IDecodingSession StartDecoding()
    {
        EngineArguments.RequireDecoder(_decoder.Spec);
        return new TorchDecodingSession(_decoder);
    }

    /// <inheritdoc/>
    public void Append(
        IReadOnlyList<IDecodingSession> sessions, IReadOnlyList<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        EngineArguments.CheckSessions(sessions, tokens);
        int vocabulary = _decoder.Spec.VocabularySize;
        EngineArguments.CheckDestination(logits.Length, (long)sessions.Count * vocabulary, "[sessions, vocabulary]");
        var own = new TorchDecodingSession[sessions.Count];
        for (int i = 0; i < own.Length; i++)
        {
            own[i] = sessions[i] is TorchDecodingSession session && session.Decoder == _decoder
                ? session
                : throw new ArgumentException($"Session {i} was not started by this engine.", nameof(sessions));
            own[i].Check(tokens[i].Span);
        }

        // As many sequences a pass as keep the activations bounded.
        long maxTokens = ActivationsPerPass / _decoder.Spec.Layers.Max(l => (long)l.MlpWidth);
        for (int start = 0, end; start < own.Length; start = end)
        {
            long count = tokens[start].Length;
            for (end = start + 1; end < own.Length && count + tokens[end].Length <= maxTokens; end++)
                count += tokens[end].Length;
            TorchDecodingSession.Append(
                _decoder, own.AsSpan(start, end - start), [.. tokens.Skip(start).Take(end - start)],
                logits[(start * vocabulary)..(end * vocabulary)]);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _decoder.Dispose();

    private int SequencesPerPass(int length)
    {
        long scores = _decoder.Spec.Layers.Max(l => (long)l.Heads) * length * length;
        long activations = _decoder.Spec.Layers.Max(l => (long)l.MlpWidth) * length;
        return (int)Math.Clamp(
            Math.Min(ScoresPerPass / scores, ActivationsPerPass / activations), 1, int.MaxValue / length);
    }
}
