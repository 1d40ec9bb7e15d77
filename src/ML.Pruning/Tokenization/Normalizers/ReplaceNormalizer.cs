namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Replaces every match of a pattern by a literal text.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : TextNormalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original) => pattern.Replace(original, content);
}
