using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Decodes one sequence with a key/value cache. Prompts run in chunks, so that memory stays bounded.</summary>
/// <remarks>Not thread-safe. The decoder must outlive it.</remarks>
internal sealed unsafe class OnnxDecodingSession : IDecodingSession
{
    /// <summary>Tokens of a run that more would not make faster.</summary>
    public const int ChunkTokens = 256;

    private readonly OnnxDecoder _decoder;
    private readonly OrtIoBinding _binding;
    private readonly (OnnxCache Keys, OnnxCache Values)[] _caches;
    private readonly long[] _past = new long[1];
    private readonly long[] _keep = new long[1];
    private readonly OrtValue _pastValue;
    private readonly OrtValue _keepValue;
    private readonly int _chunk;

    // With LongRoPE a sequence that outgrows the original context has other angles from its first token on, so it runs
    // again.
    private readonly int? _restartLength;
    private readonly List<int> _tokens = [];
    private bool _disposed;

    /// <summary>Starts with an empty cache.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="expectedTokens">Tokens that the cache gets room for at once.</param>
    public OnnxDecodingSession(OnnxDecoder decoder, int expectedTokens = 0)
    {
        _decoder = decoder;
        ExpectedTokens = Math.Min(expectedTokens, decoder.Spec.ContextLength);
        _binding = decoder.CreateBinding();
        _chunk = Chunk(decoder.Spec);
        if (decoder.Spec.RopeScaling is { Kind: RopeScalingKind.LongRope } scaling)
            _restartLength = scaling.OriginalContextLength;
        _caches = [.. decoder.Spec.Layers.Select((_, layer) => (Cache(layer), Cache(layer)))];
        _pastValue = OrtValue.CreateTensorValueFromMemory(_past, [1]);
        _keepValue = OrtValue.CreateTensorValueFromMemory(_keep, [1]);
        _binding.BindInput(GraphNames.PastLength, _pastValue);
        _binding.BindInput(GraphNames.LogitsToKeep, _keepValue);
    }

    /// <inheritdoc/>
    public int Length { get; private set; }

    /// <summary>Tokens that the cache has room for from the start.</summary>
    public int ExpectedTokens { get; }

    /// <summary>The model.</summary>
    public OnnxDecoder Decoder => _decoder;

    /// <summary>Keys and values of each layer.</summary>
    public IReadOnlyList<(OnnxCache Keys, OnnxCache Values)> Caches => _caches;

    /// <summary>The batch whose first sequence this is; goes with the session.</summary>
    public OnnxBatch? Batch { get; set; }

    /// <summary>Whether the sequence can take tokens in one run with others: all layers write in place, and no
    /// earlier token has to run again.</summary>
    public bool CanShareRuns => CanStartTogether && _decoder.SharesBuffers.All(shares => shares);

    /// <summary>Whether the sequence can take its first tokens in one run with others: no earlier token has to run
    /// again.</summary>
    public bool CanStartTogether => _restartLength is null;

    /// <summary>Tokens of a prompt that run together. LongRoPE turns the tokens of a run by the length that they reach,
    /// so there a prompt is never cut.</summary>
    /// <param name="spec">The model's shape.</param>
    public static int Chunk(ModelSpec spec) =>
        spec.RopeScaling?.Kind == RopeScalingKind.LongRope ? spec.ContextLength : ChunkTokens;

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        EngineArguments.CheckTokens(_decoder.Spec, tokens, batch: 1, Length);
        EngineArguments.CheckDestination(logits.Length, _decoder.Spec.VocabularySize, "[vocabulary]");
        tokens = Take(tokens);
        for (; tokens.Length > _chunk; tokens = tokens[_chunk..]) Run(tokens[.._chunk], logits);
        Run(tokens, logits);
    }

    /// <summary>Refuses what cannot be appended.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <exception cref="ArgumentException">They are outside the vocabulary, or exceed the context.</exception>
    public void Check(ReadOnlySpan<int> tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        EngineArguments.CheckTokens(_decoder.Spec, tokens, batch: 1, Length);
    }

    /// <summary>Counts tokens whose keys and values a batch has written.</summary>
    /// <param name="tokens">Their number.</param>
    public void Advance(int tokens) => Length += tokens;

    /// <summary>Appends tokens and computes the logits after each; the arguments have been checked.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="logits">Destination [tokens, vocabulary].</param>
    public void AppendAll(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        int vocabulary = _decoder.Spec.VocabularySize;
        for (int start = 0; start < tokens.Length; start += _chunk)
        {
            int count = Math.Min(_chunk, tokens.Length - start);
            Run(tokens.Slice(start, count), logits.Slice(start * vocabulary, count * vocabulary));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Batch?.Dispose();
        _binding.Dispose();
        _pastValue.Dispose();
        _keepValue.Dispose();
        foreach ((OnnxCache keys, OnnxCache values) in _caches)
        {
            keys.Dispose();
            values.Dispose();
        }
    }

    // The tokens to run: the new ones, or all when the sequence outgrows the original context.
    private ReadOnlySpan<int> Take(ReadOnlySpan<int> tokens)
    {
        if (_restartLength is not { } limit || Length > limit) return tokens;
        _tokens.AddRange(tokens);
        if (Length + tokens.Length <= limit) return tokens;
        Length = 0;
        return CollectionsMarshal.AsSpan(_tokens);
    }

    private OnnxCache Cache(int layer)
    {
        LayerSpec shape = _decoder.Spec.Layers[layer];
        return new OnnxCache(
            _decoder.SharesBuffers[layer], shape.KeyValueHeads, shape.HeadSize, ExpectedTokens,
            _decoder.Spec.ContextLength);
    }

    // The destination has room for as many last tokens as are to have logits.
    private void Run(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        var ids = new long[tokens.Length];
        for (int i = 0; i < ids.Length; i++) ids[i] = tokens[i];
        int kept = logits.Length / _decoder.Spec.VocabularySize;
        _past[0] = Length;
        _keep[0] = kept;
        for (int layer = 0; layer < _caches.Length; layer++)
        {
            Bind(_caches[layer].Keys, tokens.Length, GraphNames.PastKey(layer), GraphNames.PresentKey(layer));
            Bind(_caches[layer].Values, tokens.Length, GraphNames.PastValue(layer), GraphNames.PresentValue(layer));
        }

        using OrtValue input = OrtValue.CreateTensorValueFromMemory(ids, [1, ids.Length]);
        fixed (float* memory = logits)
        {
            using OrtValue output = OnnxDecoder.Tensor(
                memory, logits.Length, 1, kept, _decoder.Spec.VocabularySize);
            _binding.BindInput(GraphNames.Tokens, input);
            _binding.BindOutput(GraphNames.Logits, output);
            _decoder.Run(_binding);
        }

        Length += tokens.Length;
        foreach ((OnnxCache keys, OnnxCache values) in _caches)
        {
            keys.Advance();
            values.Advance();
        }
    }

    private void Bind(OnnxCache cache, int added, string past, string present)
    {
        if (!cache.Prepare(Length, added)) return;
        _binding.BindInput(past, cache.Past);
        _binding.BindOutput(present, cache.Present);
    }
}
