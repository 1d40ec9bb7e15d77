using System.Globalization;
using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>What an encoder makes of its hidden states.</summary>
public enum EncoderHead
{
    /// <summary>Nothing: the hidden states, and a pooled one where there is a pooler.</summary>
    None,

    /// <summary>The probabilities of the token that a mask hides, at every position.</summary>
    MaskedLanguageModel,

    /// <summary>One of several labels for the whole text, from its first token.</summary>
    Classification,
}

/// <summary>What an encoder has and a decoder has not. Every token of an encoder sees the whole text.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record EncoderSpec
{
    /// <summary>What stands at the end.</summary>
    public EncoderHead Head { get; init; }

    /// <summary>Rows of the table of token types (first and second text of a pair); 0 = there is none. A single text
    /// has type 0 throughout.</summary>
    public int TokenTypes { get; init; }

    /// <summary>Non-linearity of the pooler, the square linear map on the first token's hidden state; null = there is
    /// none.</summary>
    public ActivationKind? Pooler { get; init; }

    /// <summary>Non-linearity of the square linear map and norm before the head of a masked language
    /// model.</summary>
    public ActivationKind HeadActivation { get; init; } = ActivationKind.Gelu;

    /// <summary>Names of the labels that a classifier tells apart, by class; none without one.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Token that fills up texts that are shorter than others; no token sees it.</summary>
    public int PadTokenId { get; init; }

    /// <summary>The class of a label.</summary>
    /// <param name="label">Its name, or its number from 0.</param>
    /// <returns>The class, from 0.</returns>
    /// <exception cref="ArgumentException">There is no such label.</exception>
    public int LabelIndex(string label)
    {
        for (int i = 0; i < Labels.Count; i++)
            if (Labels[i] == label) return i;
        return int.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number < Labels.Count
            ? number
            : throw new ArgumentException($"The label is \"{label}\"; the model knows {string.Join(", ", Labels)}, or "
                + $"their numbers from 0 to {Labels.Count - 1}.", nameof(label));
    }

    /// <summary>Whether it is a classifier.</summary>
    [JsonIgnore]
    public bool IsClassifier => Head == EncoderHead.Classification;

    /// <summary>Whether it predicts masked tokens.</summary>
    [JsonIgnore]
    public bool IsMaskedLanguageModel => Head == EncoderHead.MaskedLanguageModel;
}
