using System.Text;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Reads the <c>normalizer</c> of tokenizer.json.</summary>
internal static class NormalizerReader
{
    private const string Supported =
        "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Strip, Lowercase, StripAccents, "
        + "BertNormalizer";

    /// <summary>The normalizer that <paramref name="part"/> describes.</summary>
    public static TextNormalizer Read(JsonPart part)
    {
        string type = part.TypeName();
        return type switch
        {
            "Sequence" => new SequenceNormalizer([.. part.Field("normalizers").Items().Select(Read)]),
            "Prepend" => new PrependNormalizer(part.Field("prepend").AsString()),
            "Replace" => new ReplaceNormalizer(
                TextPattern.Read(part.Field("pattern")), part.Field("content").AsString()),
            "NFC" => new UnicodeFormNormalizer(NormalizationForm.FormC),
            "NFD" => new UnicodeFormNormalizer(NormalizationForm.FormD),
            "NFKC" => new UnicodeFormNormalizer(NormalizationForm.FormKC),
            "NFKD" => new UnicodeFormNormalizer(NormalizationForm.FormKD),
            "Strip" => new StripNormalizer(part.Boolean("strip_left", true), part.Boolean("strip_right", true)),
            "Lowercase" => new LowercaseNormalizer(),
            "StripAccents" => new StripAccentsNormalizer(),
            "BertNormalizer" => ReadBert(part),
            _ => throw part.Unsupported(type, Supported),
        };
    }

    // Accents go with upper case unless the file says otherwise.
    private static BertNormalizer ReadBert(JsonPart part)
    {
        bool lowercase = part.Boolean("lowercase", true);
        return new BertNormalizer(part.Boolean("clean_text", true), part.Boolean("handle_chinese_chars", true),
            part.Boolean("strip_accents", lowercase), lowercase);
    }
}
