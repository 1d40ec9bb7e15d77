using ML.Pruning.Tokenization.Decoders;
using ML.Pruning.Tokenization.Normalizers;
using ML.Pruning.Tokenization.PostProcessors;
using ML.Pruning.Tokenization.PreTokenizers;

namespace ML.Pruning.Tokenization;

/// <summary>The components of a tokenizer, read and checked.</summary>
internal sealed record TokenizerParts
{
    private const string FileName = "tokenizer.json";
    private const string SupportedVersion = "1.0";

    /// <summary>The normalizer, or null.</summary>
    public TextNormalizer? Normalizer { get; private init; }

    /// <summary>The pre-tokenizer, or null.</summary>
    public PieceSplitter? PreTokenizer { get; private init; }

    /// <summary>The model.</summary>
    public required TokenModel Model { get; init; }

    /// <summary>The decoder, or null.</summary>
    public TokenDecoder? Decoder { get; private init; }

    /// <summary>The templates of the post-processor, innermost first.</summary>
    public IReadOnlyList<SequenceTemplate> Templates { get; private init; } = [];

    /// <summary>The added tokens by id.</summary>
    public required IReadOnlyDictionary<int, AddedToken> AddedTokens { get; init; }

    /// <summary>The token that begins a text, or null.</summary>
    public int? BosTokenId { get; private init; }

    /// <summary>The token that ends a text, or null.</summary>
    public int? EosTokenId { get; private init; }

    /// <summary>The token that stands for a hidden one, or null.</summary>
    public int? MaskTokenId { get; private init; }

    /// <summary>Reads both files; the second may be empty.</summary>
    public static TokenizerParts Parse(ReadOnlySpan<byte> tokenizerJson, ReadOnlySpan<byte> configJson)
    {
        JsonPart root = JsonPart.Parse(tokenizerJson, FileName);
        TokenizerConfig config = TokenizerConfig.Parse(configJson);
        if (root.TryField("version", out JsonPart version) && version.AsString() != SupportedVersion)
            throw version.Unsupported(version.AsString(), SupportedVersion);
        TokenModel model = TokenModelReader.Read(root.Field("model"));
        Dictionary<int, AddedToken> added = ReadAddedTokens(root, config, model);
        int? bos = FindId(config.BosToken, "bos_token", added, model);
        int? eos = FindId(config.EosToken, "eos_token", added, model);
        IReadOnlyList<SequenceTemplate> templates =
            root.TryField("post_processor", out JsonPart processor) ? PostProcessorReader.Read(processor) : [];
        CheckTemplates(templates, added, model, processor);
        if (templates.Count == 0 && (config.AddBosToken == true || config.AddEosToken == true))
            templates = [TemplateOf(config, bos, eos)];
        return new TokenizerParts
        {
            Normalizer = root.TryField("normalizer", out JsonPart normalizer)
                ? NormalizerReader.Read(normalizer)
                : null,
            PreTokenizer = root.TryField("pre_tokenizer", out JsonPart splitter)
                ? PreTokenizerReader.Read(splitter)
                : null,
            Model = model,
            Decoder = root.TryField("decoder", out JsonPart decoder) ? DecoderReader.Read(decoder) : null,
            Templates = templates,
            AddedTokens = added,
            BosTokenId = bos ?? templates.SelectMany(template => template.Before).Cast<int?>().FirstOrDefault(),
            MaskTokenId = FindId(config.MaskToken, "mask_token", added, model)
                ?? added.Values.FirstOrDefault(token => token.Content is "[MASK]" or "<mask>")?.Id,
            EosTokenId = eos ?? templates.SelectMany(template => template.After).Cast<int?>().LastOrDefault(),
        };
    }

    private static Dictionary<int, AddedToken> ReadAddedTokens(
        JsonPart root, TokenizerConfig config, TokenModel model)
    {
        var added = new Dictionary<int, AddedToken>();
        var textOfId = new Dictionary<int, string>();
        foreach ((string token, int id) in model.Vocabulary)
            textOfId[id] = token;
        var idOfText = new Dictionary<string, int>(model.Vocabulary, StringComparer.Ordinal);
        void Add(AddedToken token, string place)
        {
            if ((textOfId.TryGetValue(token.Id, out string? text) && text != token.Content)
                || (idOfText.TryGetValue(token.Content, out int id) && id != token.Id))
                throw new TokenizerFormatException(
                    $"{place} gives id {token.Id} to '{JsonPart.Shorten(token.Content)}', but "
                    + (text is null || text == token.Content
                        ? $"that token already has id {idOfText[token.Content]}."
                        : $"that id already belongs to '{JsonPart.Shorten(text)}'."));
            textOfId[token.Id] = token.Content;
            idOfText[token.Content] = token.Id;
            added[token.Id] = token;
        }

        if (root.TryField("added_tokens", out JsonPart list))
        {
            foreach (JsonPart item in list.Items())
                Add(AddedToken.Read(item, item.Field("id").AsTokenId()), item.Path);
        }
        foreach (AddedToken token in config.AddedTokens)
            Add(token, $"{TokenizerConfig.FileName}: added_tokens_decoder");
        string?[] named = [.. config.OtherSpecialTokens, config.BosToken, config.EosToken];
        foreach (string content in named.OfType<string>().Where(text => text.Length > 0))
        {
            if (idOfText.TryGetValue(content, out int id) && !added.ContainsKey(id))
                added[id] = new AddedToken { Id = id, Content = content, Special = true };
        }
        return added;
    }

    private static int? FindId(
        string? text, string name, Dictionary<int, AddedToken> added, TokenModel model)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        foreach (AddedToken token in added.Values)
        {
            if (token.Content == text)
                return token.Id;
        }
        return model.Vocabulary.TryGetValue(text, out int id)
            ? id
            : throw new TokenizerFormatException(
                $"{TokenizerConfig.FileName}: {name} '{JsonPart.Shorten(text)}' is neither in model.vocab nor in "
                + "added_tokens of tokenizer.json.");
    }

    private static SequenceTemplate TemplateOf(TokenizerConfig config, int? bos, int? eos)
    {
        static IReadOnlyList<int> One(bool? wanted, int? id, string name) => wanted != true
            ? []
            : [id ?? throw new TokenizerFormatException(
                $"{TokenizerConfig.FileName}: add_{name} is true, but {name} is not given.")];
        return new SequenceTemplate(
            One(config.AddBosToken, bos, "bos_token"), One(config.AddEosToken, eos, "eos_token"));
    }

    private static void CheckTemplates(
        IReadOnlyList<SequenceTemplate> templates,
        Dictionary<int, AddedToken> added,
        TokenModel model,
        JsonPart processor)
    {
        if (templates.Count == 0)
            return;
        HashSet<int> known = [.. model.Vocabulary.Values, .. added.Keys];
        foreach (int id in templates.SelectMany(template => template.Before.Concat(template.After)))
        {
            if (!known.Contains(id))
                throw processor.Error($"adds the token id {id}, which is neither in model.vocab nor in added_tokens.");
        }
    }
}
