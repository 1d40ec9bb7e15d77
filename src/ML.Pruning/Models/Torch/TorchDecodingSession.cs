using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Decodes one sequence with a key/value cache.</summary>
/// <remarks>Not thread-safe. The decoder must outlive it.</remarks>
internal sealed class TorchDecodingSession : IDecodingSession
{
    private readonly KeyValueCache[] _caches;

    // With LongRoPE a sequence that outgrows the original context has other angles from its first token on, and so
    // other keys and values: they are computed again from the tokens.
    private readonly int? _restartLength;
    private readonly List<int> _tokens = [];
    private bool _disposed;

    /// <summary>Starts with an empty cache.</summary>
    /// <param name="decoder">The model.</param>
    public TorchDecodingSession(TorchDecoder decoder)
    {
        Decoder = decoder;
        if (decoder.Spec.RopeScaling is { Kind: RopeScalingKind.LongRope } scaling)
            _restartLength = scaling.OriginalContextLength;
        _caches = [.. decoder.Layers.Select(_ => new KeyValueCache(decoder.Spec.ContextLength))];
    }

    /// <summary>The model.</summary>
    public TorchDecoder Decoder { get; }

    /// <inheritdoc/>
    public int Length => _caches[0].Length;

    /// <summary>Appends tokens to several sequences in one pass; the arguments have been checked.</summary>
    /// <param name="decoder">The model of all sessions.</param>
    /// <param name="sessions">The sessions, each once.</param>
    /// <param name="tokens">For each session its tokens, at least one.</param>
    /// <param name="logits">Destination [sessions, vocabulary].</param>
    public static void Append(TorchDecoder decoder, ReadOnlySpan<TorchDecodingSession> sessions,
        ReadOnlySpan<ReadOnlyMemory<int>> tokens, Span<float> logits)
    {
        var packed = new List<int>();
        var runs = new CachedRun[sessions.Length];
        var last = new long[sessions.Length];
        for (int i = 0; i < runs.Length; i++)
        {
            ReadOnlySpan<int> next = sessions[i].Take(tokens[i].Span);
            packed.AddRange(next);
            runs[i] = new CachedRun(next.Length, sessions[i]._caches);
            last[i] = packed.Count - 1;
        }

        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = decoder.Hidden(TorchWeights.ToTokens([.. packed], batch: 1), runs);
        TorchWeights.CopyTo(decoder.Head.Forward(hidden.index_select(1, tensor(last))), logits);
    }

    /// <inheritdoc/>
    public void Append(ReadOnlySpan<int> tokens, Span<float> logits)
    {
        Check(tokens);
        EngineArguments.CheckDestination(logits.Length, Decoder.Spec.VocabularySize, "[vocabulary]");
        Append(Decoder, [this], [tokens.ToArray()], logits);
    }

    /// <summary>Checks that tokens can be appended.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <exception cref="ArgumentException">There is none, one is outside the vocabulary, or the context would be
    /// exceeded.</exception>
    /// <exception cref="ObjectDisposedException">The session is disposed.</exception>
    public void Check(ReadOnlySpan<int> tokens)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        EngineArguments.CheckTokens(Decoder.Spec, tokens, batch: 1, Length);
    }

    // The tokens to run: the new ones, or all when the sequence outgrows the original context.
    private ReadOnlySpan<int> Take(ReadOnlySpan<int> tokens)
    {
        if (_restartLength is not { } limit || Length > limit) return tokens;
        _tokens.AddRange(tokens);
        if (Length == 0 || Length + tokens.Length <= limit) return tokens;
        foreach (KeyValueCache cache in _caches) cache.Dispose();
        return CollectionsMarshal.AsSpan(_tokens);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        foreach (KeyValueCache cache in _caches) cache.Dispose();
    }
}
