namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Removes white space (the Unicode property White_Space) at the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original)
    {
        string text = left ? original.TrimStart() : original;
        return right ? text.TrimEnd() : text;
    }
}
