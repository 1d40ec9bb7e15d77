namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Maps each character to its lower case, without context or language.</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    /// <inheritdoc/>
    /// <remarks>U+0130 is the one character whose full lower case is two characters (SpecialCasing.txt).</remarks>
    public override string Normalize(string original)
        => original.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();
}
