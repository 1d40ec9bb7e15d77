using ML.Pruning.Models;

namespace ML.Pruning.Inference;

/// <summary>How text is generated.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens to generate at most, at least 1.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>Divides the logits before sampling, finite and at least 0; 0 = always take the likeliest token (the
    /// lowest id among equals).</summary>
    public double Temperature { get; init; }

    /// <summary>Seed of the sampling; the same seed gives the same text.</summary>
    public int Seed { get; init; }

    /// <summary>Tokens that end the text and do not show in it; null = the model's own.</summary>
    public IReadOnlyList<int>? StopTokenIds { get; init; }

    /// <summary>What runs the model.</summary>
    public EngineKind Engine { get; init; } = EngineKind.Auto;

    /// <summary>Checks the values for a model.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    internal void Validate(ModelSpec spec)
    {
        if (MaxNewTokens < 1)
            throw new ArgumentException($"The number of new tokens is {MaxNewTokens}; it must be at least 1.");
        if (!(Temperature >= 0) || double.IsInfinity(Temperature))
            throw new ArgumentException($"The temperature is {Temperature}; it must be finite and at least 0.");
        foreach (int token in StopTokenIds ?? [])
        {
            if (token < 0 || token >= spec.VocabularySize)
            {
                throw new ArgumentException($"The stop token {token} is outside the model's vocabulary, 0 to "
                    + $"{spec.VocabularySize - 1}.");
            }
        }
    }
}
