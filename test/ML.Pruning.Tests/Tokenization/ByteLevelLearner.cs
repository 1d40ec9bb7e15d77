using System.Text;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Learns a small byte-level vocabulary by counting pairs, and writes it as tokenizer.json.</summary>
internal static class ByteLevelLearner
{
    public const string Gpt2PreTokenizer = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""";

    private const string EmbeddedText =
        "the cat sat on the mat and then the other cat sat on the other mat; "
        + "it's the cat's mat, isn't it? They're there, we've seen them, I'll see them in 2023 and 2024. ";

    /// <summary>A text of the data folder, or the embedded one where that is missing.</summary>
    public static string Text()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string file = Path.Combine(folder, "shared", "data", "wikitext2.valid.txt");
            if (File.Exists(file))
                return File.ReadAllText(file)[..20_000];
        }
        return string.Concat(Enumerable.Repeat(EmbeddedText, 20));
    }

    public static TokenizerJson Learn(string text, int mergeCount)
    {
        List<string> tokens = [.. Enumerable.Range(0, 256).Select(value => Spell([(byte)value]))];
        List<string> merges = [];
        List<List<string>> words =
            [.. TokenizerJson.Cut(Gpt2PreTokenizer, text).Select(word => Spell(Encoding.UTF8.GetBytes(word)))
                .Select(word => word.Select(letter => $"{letter}").ToList())];
        while (merges.Count < mergeCount)
        {
            KeyValuePair<(string, string), int> most = words
                .SelectMany(word => word.Zip(word.Skip(1)))
                .CountBy(pair => pair)
                .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.First, StringComparer.Ordinal)
                .ThenBy(pair => pair.Key.Second, StringComparer.Ordinal)
                .FirstOrDefault();
            if (most.Value == 0)
                break; // every word is one token
            (string Left, string Right) best = most.Key;
            merges.Add($"{best.Left} {best.Right}");
            if (!tokens.Contains(best.Left + best.Right))
                tokens.Add(best.Left + best.Right);
            words.ForEach(word => Merge(word, best.Left, best.Right));
        }
        return new TokenizerJson(tokens, merges)
            .Set("pre_tokenizer", Gpt2PreTokenizer)
            .Set("decoder", """{"type":"ByteLevel"}""");
    }

    // Written from the definition in GPT-2's encoder, not through the code under test.
    private static string Spell(byte[] bytes)
    {
        static bool IsItself(int value) => value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;
        return string.Concat(bytes.Select(value => IsItself(value)
            ? (char)value
            : (char)(256 + Enumerable.Range(0, value).Count(other => !IsItself(other)))));
    }

    private static void Merge(List<string> word, string left, string right)
    {
        for (int i = 0; i + 1 < word.Count; i++)
        {
            if (word[i] == left && word[i + 1] == right)
            {
                word[i] = left + right;
                word.RemoveAt(i + 1);
            }
        }
    }
}
