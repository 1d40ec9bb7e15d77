using System.Text.Json;

namespace ML.Pruning.Tokenization;

/// <summary>Reads the <c>model</c> of tokenizer.json.</summary>
internal static class TokenModelReader
{
    private const string BytePair = "BPE";
    private const string WordPiece = "WordPiece";
    private const int DefaultCharactersPerWord = 100;

    /// <summary>The model that <paramref name="part"/> describes; other types are refused by name.</summary>
    public static TokenModel Read(JsonPart part)
    {
        // The first versions of the format left the type out; only byte-pair models have merges.
        string type = !part.TryField("type", out _) && part.TryField("merges", out _) ? BytePair : part.TypeName();
        return type switch
        {
            BytePair => BytePairModelReader.Read(part),
            WordPiece => ReadWordPiece(part),
            _ => throw part.Unsupported(type, $"{BytePair}, {WordPiece}"),
        };
    }

    /// <summary>A vocabulary: each token has one id, and each id one token.</summary>
    public static Dictionary<string, int> ReadVocabulary(JsonPart part)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        var tokenOfId = new Dictionary<int, string>();
        string place = part.Path;
        foreach (JsonProperty property in part.Fields())
        {
            string token = ReadName(property, part);
            int id = new JsonPart(property.Value, place, token).AsTokenId();
            if (!vocabulary.TryAdd(token, id))
                throw part.Error($"has the token '{JsonPart.Shorten(token)}' twice; each token needs one id.");
            if (!tokenOfId.TryAdd(id, token))
                throw part.Error(
                    $"gives id {id} to '{JsonPart.Shorten(tokenOfId[id])}' and to '{JsonPart.Shorten(token)}'; "
                    + "each id needs one token.");
        }
        return vocabulary;
    }

    private static WordPieceModel ReadWordPiece(JsonPart part)
    {
        Dictionary<string, int> vocabulary = ReadVocabulary(part.Field("vocab"));
        string unknown = part.String("unk_token", "[UNK]");
        if (!vocabulary.ContainsKey(unknown))
            throw part.Error($"has no token '{JsonPart.Shorten(unknown)}' in vocab, which is its unk_token.");
        int maximum = part.TryField("max_input_chars_per_word", out _)
            ? part.Count("max_input_chars_per_word")
            : DefaultCharactersPerWord;
        return new WordPieceModel(vocabulary, unknown, part.String("continuing_subword_prefix", "##"), maximum);
    }

    private static string ReadName(JsonProperty property, JsonPart part)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerFormatException($"{part.Path} has a token that is not valid Unicode.", e);
        }
    }
}
