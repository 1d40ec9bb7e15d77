using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Small tokenizer.json files made by hand.</summary>
internal sealed class TokenizerJson
{
    /// <summary>A file whose vocabulary is the given tokens with their positions as ids.</summary>
    public TokenizerJson(IEnumerable<string> tokens, IEnumerable<string> merges)
    {
        var vocabulary = new JsonObject();
        foreach (string token in tokens)
            vocabulary.Add(token, vocabulary.Count);
        Root = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = null,
            ["post_processor"] = null,
            ["decoder"] = JsonNode.Parse("""{"type":"Fuse"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(merge => JsonValue.Create(merge))]),
            },
        };
    }

    public JsonObject Root { get; }

    public JsonObject Model => Root["model"]!.AsObject();

    public JsonArray AddedTokens => Root["added_tokens"]!.AsArray();

    /// <summary>The letters of a text, each a token, and no merges.</summary>
    public static TokenizerJson OfLetters(string letters) => new(letters.Select(letter => $"{letter}"), []);

    public TokenizerJson Set(string part, string json)
    {
        Root[part] = JsonNode.Parse(json);
        return this;
    }

    public TokenizerJson SetModel(string field, string json)
    {
        Model[field] = JsonNode.Parse(json);
        return this;
    }

    public TokenizerJson Add(int id, string content, string flags)
    {
        JsonObject token = JsonNode.Parse(flags)!.AsObject();
        token["id"] = id;
        token["content"] = content;
        AddedTokens.Add(token);
        return this;
    }

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(Root.ToJsonString());

    public HuggingFaceTokenizer Parse(string config = "{}")
        => HuggingFaceTokenizer.Parse(ToBytes(), Encoding.UTF8.GetBytes(config));

    /// <summary>The pieces that a pre-tokenizer cuts a text into.</summary>
    public static string[] Cut(string preTokenizer, string text)
    {
        HuggingFaceTokenizer tokenizer = OfLetters("a").Set("pre_tokenizer", preTokenizer).Parse();
        return [.. tokenizer.PreTokenizer!.PreTokenize(text).Select(part => text.Substring(part.Offset, part.Length))];
    }
}
