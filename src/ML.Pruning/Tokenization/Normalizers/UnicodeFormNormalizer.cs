using System.Text;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>NFC, NFD, NFKC or NFKD.</summary>
internal sealed class UnicodeFormNormalizer(NormalizationForm form) : TextNormalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original) => UnicodeNormalization.Normalize(original, form);
}
