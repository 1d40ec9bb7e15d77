namespace Microsoft.ML.Tokenizers;

/// <summary>What one encoding call yields; NormalizedText is null where no normalizer ran.</summary>
public struct EncodeResults<T>
{
    public int CharsConsumed { get; set; }

    public string NormalizedText { get; set; }

    public IReadOnlyList<T> Tokens { get; set; }
}
