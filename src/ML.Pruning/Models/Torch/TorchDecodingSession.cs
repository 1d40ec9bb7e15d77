using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Decodes one sequence with a key/value cache.</summary>
/// <remarks>Not thread-safe. The decoder must outlive it.</remarks>
internal sealed class TorchDecodingSession : IDecodingSession
{
    private readonly TorchDecoder _decoder;
    private readonly KeyValueCache[] _caches;
    private bool _disposed;

    /// <summary>Starts with an empty cache.</summary>
    /// <param name="decoder">The model.</param>
    public TorchDecodingSession(TorchDecoder decoder)
    {
        _decoder = decoder;
        _caches = [.. decoder.Layers.Select(_ => new KeyValueCache(decoder.Spec.ContextLength))];
    }

    /// <inheritdoc/>
    public int Length => _caches[0].Length;

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        EngineArguments.CheckTokens(_decoder.Spec, tokens, batch: 1, Length);
        EngineArguments.CheckDestination(logits.Length, _decoder.Spec.VocabularySize, "[vocabulary]");
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = _decoder.Hidden(TorchWeights.ToTokens(tokens, batch: 1), _caches);
        TorchWeights.CopyTo(_decoder.Head.Forward(hidden.narrow(1, tokens.Length - 1, 1)), logits);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        foreach (KeyValueCache cache in _caches) cache.Dispose();
    }
}
