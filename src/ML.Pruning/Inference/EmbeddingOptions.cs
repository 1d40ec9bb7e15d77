namespace ML.Pruning.Inference;

/// <summary>How texts become vectors.</summary>
public sealed record EmbeddingOptions
{
    /// <summary>How the states of the tokens become one vector.</summary>
    public TextPooling Pooling { get; init; } = TextPooling.Mean;

    /// <summary>Whether vectors are divided by their Euclidean norm, so that their dot product is their cosine. A
    /// vector of zeros stays.</summary>
    public bool Normalize { get; init; } = true;

    /// <summary>What runs the model.</summary>
    public EngineKind Engine { get; init; } = EngineKind.Auto;

    /// <summary>Refuses values out of range.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    internal void Validate()
    {
        if (!Enum.IsDefined(Pooling))
            throw new ArgumentException($"The pooling is {Pooling}; it must be a member of {nameof(TextPooling)}.");
    }
}
