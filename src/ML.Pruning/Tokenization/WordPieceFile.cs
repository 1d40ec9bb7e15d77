using System.Text;
using System.Text.Json.Nodes;

namespace ML.Pruning.Tokenization;

/// <summary>Writes the tokenizer.json that does what BERT's vocab.txt, one token a line, stands for.</summary>
internal static class WordPieceFile
{
    /// <summary>The name of the file.</summary>
    public const string Name = "vocab.txt";

    private const string Unknown = "[UNK]", Start = "[CLS]", End = "[SEP]";
    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>The bytes of tokenizer.json.</summary>
    /// <param name="vocabulary">The bytes of vocab.txt.</param>
    /// <param name="config">Says whether letters become lower case (they do by default), accents go (with lower case by
    /// default) and Chinese characters stand alone (they do by default).</param>
    /// <exception cref="TokenizerFormatException">The file is not UTF-8, or lacks [UNK], [CLS] or [SEP].</exception>
    public static byte[] Convert(byte[] vocabulary, TokenizerConfig config)
    {
        List<string> tokens = ReadLines(vocabulary);
        var ids = new JsonObject();
        for (int id = 0; id < tokens.Count; id++)
        {
            if (!ids.TryAdd(tokens[id], id))
            {
                throw new TokenizerFormatException($"{Name}: line {id + 1} repeats '{JsonPart.Shorten(tokens[id])}'; "
                    + "each token stands once.");
            }
        }
        foreach (string token in (string[])[Unknown, Start, End])
        {
            if (!ids.ContainsKey(token))
                throw new TokenizerFormatException($"{Name}: has no line '{token}', which BERT's tokenizer needs.");
        }
        return Encoding.UTF8.GetBytes(Json(tokens, ids, config).ToJsonString());
    }

    private static JsonObject Json(List<string> tokens, JsonObject ids, TokenizerConfig config) => new()
    {
        ["version"] = "1.0",
        ["added_tokens"] = new JsonArray([.. ((string[])["[PAD]", Unknown, Start, End, "[MASK]"])
            .Where(ids.ContainsKey).Select(token => Added(token, tokens.IndexOf(token)))]),
        ["normalizer"] = new JsonObject
        {
            ["type"] = "BertNormalizer",
            ["clean_text"] = true,
            ["handle_chinese_chars"] = config.TokenizeChinese ?? true,
            ["strip_accents"] = config.StripAccents,
            ["lowercase"] = config.Lowercase ?? true,
        },
        ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
        ["post_processor"] = new JsonObject
        {
            ["type"] = "BertProcessing",
            ["sep"] = new JsonArray(End, tokens.IndexOf(End)),
            ["cls"] = new JsonArray(Start, tokens.IndexOf(Start)),
        },
        ["decoder"] = new JsonObject { ["type"] = "WordPiece", ["prefix"] = "##", ["cleanup"] = true },
        ["model"] = new JsonObject
        {
            ["type"] = "WordPiece",
            ["unk_token"] = Unknown,
            ["continuing_subword_prefix"] = "##",
            ["max_input_chars_per_word"] = 100,
            ["vocab"] = ids,
        },
    };

    private static List<string> ReadLines(byte[] vocabulary)
    {
        try
        {
            string text = s_strictUtf8.GetString(vocabulary).TrimStart('\uFEFF');
            List<string> lines = [.. text.Split('\n').Select(line => line.TrimEnd('\r'))];
            if (lines.Count > 0 && lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
            return lines;
        }
        catch (DecoderFallbackException e)
        {
            throw new TokenizerFormatException($"{Name}: is not UTF-8 text.", e);
        }
    }

    private static JsonObject Added(string token, int id) => new()
    {
        ["id"] = id,
        ["content"] = token,
        ["single_word"] = false,
        ["lstrip"] = false,
        ["rstrip"] = false,
        ["normalized"] = false,
        ["special"] = true,
    };
}
