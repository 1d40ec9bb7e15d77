namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Applies normalizers one after another.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> normalizers) : TextNormalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original)
    {
        string text = original;
        foreach (TextNormalizer normalizer in normalizers)
            text = normalizer.Normalize(text);
        return text;
    }
}
