using System.Globalization;
using System.Text.Json;

namespace ML.Pruning.Tokenization;

/// <summary>What is used of tokenizer_config.json.</summary>
internal sealed record TokenizerConfig
{
    /// <summary>The name of the file in messages.</summary>
    public const string FileName = "tokenizer_config.json";

    /// <summary>The text of the token that begins a text, or null.</summary>
    public string? BosToken { get; private init; }

    /// <summary>The text of the token that ends a text, or null.</summary>
    public string? EosToken { get; private init; }

    /// <summary>The texts of the unknown and padding tokens, where given.</summary>
    public IReadOnlyList<string> OtherSpecialTokens { get; private init; } = [];

    /// <summary>Whether encoding with special tokens puts BOS first; null where the file does not say.</summary>
    public bool? AddBosToken { get; private init; }

    /// <summary>Whether encoding with special tokens puts EOS last; null where the file does not say.</summary>
    public bool? AddEosToken { get; private init; }

    /// <summary>The text of the token that stands for a hidden one, or null.</summary>
    public string? MaskToken { get; private init; }

    /// <summary>Whether BERT's tokenizer makes letters lower case; null where the file does not say.</summary>
    public bool? Lowercase { get; private init; }

    /// <summary>Whether BERT's tokenizer removes accents; null where the file does not say.</summary>
    public bool? StripAccents { get; private init; }

    /// <summary>Whether Chinese characters are words for BERT's tokenizer; null where the file does not say.</summary>
    public bool? TokenizeChinese { get; private init; }

    /// <summary>Added tokens, with their ids.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; private init; } = [];

    /// <summary>Reads the file; no bytes give the defaults.</summary>
    public static TokenizerConfig Parse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return new TokenizerConfig();
        JsonPart root = JsonPart.Parse(utf8, FileName);
        string?[] others = [.. ((string[])["unk_token", "pad_token", "cls_token", "sep_token", "mask_token"])
            .Select(name => ReadToken(root, name))];
        return new TokenizerConfig
        {
            BosToken = ReadToken(root, "bos_token"),
            EosToken = ReadToken(root, "eos_token"),
            OtherSpecialTokens = [.. others.OfType<string>()],
            AddBosToken = ReadFlag(root, "add_bos_token"),
            AddEosToken = ReadFlag(root, "add_eos_token"),
            MaskToken = ReadToken(root, "mask_token"),
            Lowercase = ReadFlag(root, "do_lower_case"),
            StripAccents = ReadFlag(root, "strip_accents"),
            TokenizeChinese = ReadFlag(root, "tokenize_chinese_chars"),
            AddedTokens = ReadAddedTokens(root),
        };
    }

    private static bool? ReadFlag(JsonPart root, string name) =>
        root.TryField(name, out _) ? root.Boolean(name, false) : null;

    private static string? ReadToken(JsonPart root, string name)
    {
        if (!root.TryField(name, out JsonPart field))
            return null;
        return field.Element.ValueKind == JsonValueKind.Object ? field.Field("content").AsString() : field.AsString();
    }

    private static List<AddedToken> ReadAddedTokens(JsonPart root)
    {
        var tokens = new List<AddedToken>();
        if (!root.TryField("added_tokens_decoder", out JsonPart decoder))
            return tokens;
        foreach (JsonProperty property in decoder.Fields())
        {
            var part = new JsonPart(property.Value, decoder.Path, property.Name);
            if (!int.TryParse(property.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                || id == int.MaxValue)
                throw part.Error($"is not keyed by a token id from 0 to {int.MaxValue - 1}.");
            tokens.Add(AddedToken.Read(part, id));
        }
        return tokens;
    }
}
