namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Puts a text before every text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original) => original.Length == 0 ? original : prefix + original;
}
