using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Inference;

/// <summary>How text is generated.</summary>
/// <remarks>The logits pass through, in this order: repetition penalty, temperature, top-k, top-p, min-p, as in Hugging
/// Face transformers. All but the temperature are off by default; at temperature 0 the last three change
/// nothing.</remarks>
public sealed record GenerationOptions
{
    /// <summary>Tokens to generate at most, at least 1.</summary>
    public int MaxNewTokens { get; init; } = 128;

    /// <summary>Divides the logits before sampling, finite and at least 0; 0 = always take the likeliest token (the
    /// lowest id among equals).</summary>
    public double Temperature { get; init; }

    /// <summary>Samples among this many likeliest tokens only (the lower id first among equals), at least 0; 0 =
    /// off.</summary>
    public int TopK { get; init; }

    /// <summary>Samples among the fewest likeliest tokens whose probabilities reach this sum only, above 0 and at most
    /// 1; 1 = off (Holtzman et al. 2019, arXiv:1904.09751).</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Samples among the tokens only that have at least this share of the likeliest token's probability, from
    /// 0 to 1; 0 = off (Nguyen et al. 2024, arXiv:2407.01082).</summary>
    public double MinP { get; init; }

    /// <summary>Weakens the tokens of the prompt and of the text so far: positive logits are divided by it, negative
    /// ones multiplied. Finite and above 0; 1 = off, below 1 = strengthens them (Keskar et al. 2019, arXiv:1909.05858,
    /// with the sign rule of Hugging Face transformers).</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Seed of the sampling; the same seed gives the same text.</summary>
    public int Seed { get; init; }

    /// <summary>Tokens that end the text and do not show in it; null = the model's own.</summary>
    public IReadOnlyList<int>? StopTokenIds { get; init; }

    /// <summary>Texts that end the generated text as soon as it contains one of them; it ends before that one. The
    /// prompt is not searched. Null = none.</summary>
    public IReadOnlyList<string>? StopSequences { get; init; }

    /// <summary>What runs the model.</summary>
    public EngineKind Engine { get; init; } = EngineKind.Auto;

    /// <summary>Checks the values that need no model.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    internal void Validate()
    {
        Require(MaxNewTokens >= 1, $"The number of new tokens is {MaxNewTokens}; it must be at least 1.");
        Require(Temperature >= 0 && double.IsFinite(Temperature),
            $"The temperature is {Temperature}; it must be finite and at least 0.");
        Require(TopK >= 0, $"Top-k is {TopK}; it must be at least 1, or 0 to switch it off.");
        Require(TopP is > 0 and <= 1, $"Top-p is {TopP}; it must be above 0 and at most 1, which switches it off.");
        Require(MinP is >= 0 and <= 1, $"Min-p is {MinP}; it must lie between 0, which switches it off, and 1.");
        Require(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty),
            $"The repetition penalty is {RepetitionPenalty}; it must be finite and above 0 (1 switches it off).");
        foreach (string sequence in StopSequences ?? [])
        {
            Require(!string.IsNullOrEmpty(sequence), "A stop sequence is empty; give at least one character.");
            Require(Utf16Text.Repair(sequence) == sequence,
                "A stop sequence has half of a surrogate pair; give whole characters.");
        }
    }

    /// <summary>Checks all values for a model.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    internal void Validate(ModelSpec spec)
    {
        Validate();
        foreach (int token in StopTokenIds ?? [])
        {
            Require(token >= 0 && token < spec.VocabularySize,
                $"The stop token {token} is outside the model's vocabulary, 0 to {spec.VocabularySize - 1}.");
        }
    }

    private static void Require(bool condition, string message)
    {
        if (!condition) throw new ArgumentException(message);
    }
}
