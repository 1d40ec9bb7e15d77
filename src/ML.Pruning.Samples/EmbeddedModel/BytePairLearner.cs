using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ML.Pruning.Samples.EmbeddedModel;

/// <summary>Learns a byte-pair vocabulary from text and writes it as a tokenizer.json with byte fallback.</summary>
/// <remarks>The commonest pair of neighbours becomes a symbol, again and again (Sennrich et al. 2016,
/// arXiv:1508.07909). Pairs are counted inside words, each with the space before it, and never across punctuation; of
/// equally common ones the first in ordinal order is taken. A token stands for a byte that no symbol covers.</remarks>
public static partial class BytePairLearner
{
    private const char Space = '\u2581';
    private const int Bytes = 256;
    private static readonly string[] s_special = ["<unk>", "<s>", "</s>"];
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Learns a vocabulary.</summary>
    /// <param name="documents">The text.</param>
    /// <param name="vocabularySize">Tokens: three special ones (0 unknown, 1 start, 2 end), 256 bytes, the characters
    /// of the text, and merged symbols for the rest.</param>
    /// <returns>The content of tokenizer.json, UTF-8.</returns>
    /// <exception cref="ArgumentException">The size leaves no room for the characters of the text.</exception>
    public static byte[] Learn(IEnumerable<string> documents, int vocabularySize)
    {
        ArgumentNullException.ThrowIfNull(documents);
        List<Word> words = CountWords(documents);
        string[] alphabet = [.. words.SelectMany(word => word.Symbols).Distinct().Order(StringComparer.Ordinal)];
        int room = vocabularySize - s_special.Length - Bytes - alphabet.Length;
        if (room < 0)
        {
            throw new ArgumentException($"A vocabulary of {vocabularySize} tokens is too small: special tokens, bytes "
                + $"and the text's characters alone are {vocabularySize - room}.", nameof(vocabularySize));
        }

        var vocabulary = new List<string>([.. s_special, .. Enumerable.Range(0, Bytes).Select(b => $"<0x{b:X2}>"),
            .. alphabet]);
        var known = new HashSet<string>(vocabulary, StringComparer.Ordinal);
        var merges = new List<(string Left, string Right)>();
        while (vocabulary.Count < vocabularySize && CommonestPair(words) is { } pair)
        {
            foreach (Word word in words) word.Merge(pair.Left, pair.Right);
            merges.Add(pair);
            if (known.Add(pair.Left + pair.Right)) vocabulary.Add(pair.Left + pair.Right);
        }

        return JsonSerializer.SerializeToUtf8Bytes(TokenizerJson(vocabulary, merges), s_json);
    }

    private static List<Word> CountWords(IEnumerable<string> documents)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string document in documents)
        {
            foreach (Match match in Pieces().Matches(Space + document.Replace(' ', Space)))
                counts[match.Value] = counts.GetValueOrDefault(match.Value) + 1;
        }

        return [.. counts.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => new Word(c.Key, c.Value))];
    }

    private static (string Left, string Right)? CommonestPair(List<Word> words)
    {
        var counts = new Dictionary<(string Left, string Right), long>();
        foreach (Word word in words)
        {
            for (int i = 1; i < word.Symbols.Count; i++)
            {
                (string, string) pair = (word.Symbols[i - 1], word.Symbols[i]);
                counts[pair] = counts.GetValueOrDefault(pair) + word.Count;
            }
        }

        return counts.Count == 0 ? null : counts
            .OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key.Left, StringComparer.Ordinal)
            .ThenBy(c => c.Key.Right, StringComparer.Ordinal)
            .First().Key;
    }

    private static JsonObject TokenizerJson(List<string> vocabulary, List<(string Left, string Right)> merges)
    {
        var ids = new JsonObject();
        for (int i = 0; i < vocabulary.Count; i++) ids[vocabulary[i]] = i;
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. s_special.Select((content, id) => (JsonNode)new JsonObject
            {
                ["id"] = id,
                ["content"] = content,
                ["single_word"] = false,
                ["lstrip"] = false,
                ["rstrip"] = false,
                ["normalized"] = false,
                ["special"] = true,
            })]),
            ["normalizer"] = Sequence("normalizers",
                new JsonObject { ["type"] = "Prepend", ["prepend"] = $"{Space}" }, Replace(" ", $"{Space}")),
            ["pre_tokenizer"] = null,
            ["post_processor"] = StartOfText(),
            ["decoder"] = Sequence("decoders",
                Replace($"{Space}", " "),
                new JsonObject { ["type"] = "ByteFallback" },
                new JsonObject { ["type"] = "Fuse" },
                new JsonObject { ["type"] = "Strip", ["content"] = " ", ["start"] = 1, ["stop"] = 0 }),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = s_special[0],
                ["fuse_unk"] = true,
                ["byte_fallback"] = true,
                ["vocab"] = ids,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)$"{m.Left} {m.Right}")]),
            },
        };
    }

    private static JsonObject StartOfText() => new()
    {
        ["type"] = "TemplateProcessing",
        ["single"] = new JsonArray(
            new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = s_special[1], ["type_id"] = 0 } },
            new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } }),
        ["special_tokens"] = new JsonObject
        {
            [s_special[1]] = new JsonObject
            {
                ["id"] = s_special[1],
                ["ids"] = new JsonArray(1),
                ["tokens"] = new JsonArray(s_special[1]),
            },
        },
    };

    private static JsonObject Sequence(string key, params JsonNode[] parts) =>
        new() { ["type"] = "Sequence", [key] = new JsonArray(parts) };

    private static JsonObject Replace(string pattern, string content) => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { ["String"] = pattern },
        ["content"] = content,
    };

    // A word with the space before it, or any other character alone.
    [GeneratedRegex(@"\u2581?[\p{L}\p{Nd}]+|[\s\S]")]
    private static partial Regex Pieces();

    private sealed class Word(string text, long count)
    {
        public long Count { get; } = count;

        public List<string> Symbols { get; private set; } = [.. text.EnumerateRunes().Select(rune => rune.ToString())];

        public void Merge(string left, string right)
        {
            var merged = new List<string>(Symbols.Count);
            for (int i = 0; i < Symbols.Count; i++)
            {
                bool isPair = i + 1 < Symbols.Count && Symbols[i] == left && Symbols[i + 1] == right;
                merged.Add(isPair ? left + right : Symbols[i]);
                if (isPair) i++;
            }

            Symbols = merged;
        }
    }
}
