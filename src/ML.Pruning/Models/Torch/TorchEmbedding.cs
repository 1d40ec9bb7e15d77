using ML.Pruning.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>The start of a model: token embedding, scaled where the spec says so, plus the position embedding where
/// positions are learned, that of the first token type where there are types, and a norm where there is one.</summary>
internal sealed class TorchEmbedding : IDisposable
{
    private readonly ModelSpec _spec;

    private TorchEmbedding(
        ModelSpec spec, TorchTable tokens, TorchTable? positions, TorchTable? tokenTypes, TorchNorm? norm,
        ScalarType computeType)
    {
        _spec = spec;
        ComputeType = computeType;
        Tokens = tokens;
        Positions = positions;
        TokenTypes = tokenTypes;
        Norm = norm;
    }

    /// <summary>The type to compute in.</summary>
    public ScalarType ComputeType { get; }

    /// <summary>The token table [vocabulary, D].</summary>
    public TorchTable Tokens { get; }

    /// <summary>The position table [context + offset, D], when positions are learned.</summary>
    public TorchTable? Positions { get; }

    /// <summary>The token-type table [types, D], where there is one.</summary>
    public TorchTable? TokenTypes { get; }

    /// <summary>The norm of the embeddings, where there is one.</summary>
    public TorchNorm? Norm { get; }

    /// <summary>Loads the tables.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="weightType">The type that the tables are held in.</param>
    /// <param name="computeType">The type of the result; null = <paramref name="weightType"/>.</param>
    /// <returns>The embedding; the caller disposes it.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchEmbedding Load(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType weightType,
        ScalarType? computeType = null) => new(
        spec,
        TorchTable.Load(weights, TensorNames.Embedding, spec.VocabularySize, spec.StreamWidth, weightType),
        spec.Positions == PositionKind.Learned
            ? TorchTable.Load(weights, TensorNames.PositionEmbedding, spec.ContextLength + spec.PositionOffset,
                spec.StreamWidth, weightType)
            : null,
        spec.Encoder is { TokenTypes: > 0 and var types }
            ? TorchTable.Load(weights, TensorNames.TokenTypeEmbedding, types, spec.StreamWidth, weightType)
            : null,
        spec.EmbeddingNorm
            ? TorchNorm.Load(spec, TensorNames.EmbeddingNorm, weights, weightType)
            : null,
        computeType ?? weightType);

    /// <summary>Embeds tokens.</summary>
    /// <param name="tokens">Token ids [B, T], int64, inside the vocabulary.</param>
    /// <param name="runs">Null = B whole sequences. Otherwise B is 1, and T holds these runs one after the
    /// other.</param>
    /// <returns>Hidden states [B, T, D].</returns>
    /// <exception cref="ArgumentException">The tensor has another rank, or a position is beyond the
    /// context.</exception>
    public Tensor Forward(Tensor tokens, IReadOnlyList<CachedRun>? runs = null)
    {
        if (tokens.ndim != 2)
        {
            throw new ArgumentException($"The tokens have shape [{string.Join(", ", tokens.shape)}]; expected "
                + "[batch, length].", nameof(tokens));
        }

        (int Start, int Count)[] parts = runs is null
            ? [(0, (int)tokens.shape[1])]
            : [.. runs.Select(run => (run.Past, run.Count))];
        int longest = parts.Max(part => part.Start + part.Count);
        if (longest > _spec.ContextLength)
        {
            throw new ArgumentException($"The sequence has {longest} tokens; the model's context is "
                + $"{_spec.ContextLength}.", nameof(tokens));
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = Tokens.forward(tokens);
        if (_spec.EmbeddingScale != 1) hidden = hidden.mul(_spec.EmbeddingScale);
        if (Positions is not null)
        {
            hidden = hidden.add(cat([.. parts.Select(
                part => Positions.Weight.narrow(0, part.Start + _spec.PositionOffset, part.Count))], 0));
        }

        if (TokenTypes is not null) hidden = hidden.add(TokenTypes.Weight.narrow(0, 0, 1));
        hidden = hidden.to_type(ComputeType);
        return (Norm?.forward(hidden) ?? hidden).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        Positions?.Dispose();
        TokenTypes?.Dispose();
        Norm?.Dispose();
    }
}
