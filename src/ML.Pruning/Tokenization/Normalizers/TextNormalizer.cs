using Microsoft.ML.Tokenizers;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>The base of the normalizers: one method to write.</summary>
internal abstract class TextNormalizer : Normalizer
{
    /// <inheritdoc/>
    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());
}
