using System.Globalization;
using System.Text;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>BERT's normalizer: control characters go and white space becomes spaces, Chinese characters become words of
/// their own, accents go, letters become lower case; each step can be left out.</summary>
/// <param name="cleanText">Whether control characters go and white space becomes spaces.</param>
/// <param name="separateChinese">Whether spaces are put around Chinese characters.</param>
/// <param name="stripAccents">Whether nonspacing marks go, after decomposition (NFD).</param>
/// <param name="lowercase">Whether letters become lower case.</param>
/// <remarks>Details as in the Hugging Face library: General_Category Cc, Cf and Co are control characters, and its
/// ranges of Chinese characters leave U+2B820 to U+2B91F out.</remarks>
internal sealed class BertNormalizer(bool cleanText, bool separateChinese, bool stripAccents, bool lowercase)
    : TextNormalizer
{
    private static readonly (int First, int Last)[] s_chinese =
    [
        (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
        (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
    ];

    private static readonly LowercaseNormalizer s_lowercase = new();

    /// <inheritdoc/>
    public override string Normalize(string original)
    {
        var text = new StringBuilder(original.Length);
        foreach (Rune rune in original.EnumerateRunes())
        {
            if (cleanText && IsRemoved(rune))
                continue;
            if (cleanText && Rune.IsWhiteSpace(rune))
                text.Append(' ');
            else if (separateChinese && IsChinese(rune))
                text.Append(' ').Append(rune).Append(' ');
            else
                text.Append(rune);
        }
        string result = text.ToString();
        if (stripAccents)
            result = WithoutAccents(UnicodeNormalization.Normalize(result, NormalizationForm.FormD));
        return lowercase ? s_lowercase.Normalize(result) : result;
    }

    private static bool IsRemoved(Rune rune) => rune.Value is not ('\t' or '\n' or '\r') && (rune.Value == 0xFFFD
        || Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse);

    private static bool IsChinese(Rune rune) =>
        rune.Value >= s_chinese[1].First && s_chinese.Any(r => rune.Value >= r.First && rune.Value <= r.Last);

    private static string WithoutAccents(string decomposed)
    {
        var text = new StringBuilder(decomposed.Length);
        foreach (Rune rune in decomposed.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
                text.Append(rune);
        }
        return text.ToString();
    }
}
