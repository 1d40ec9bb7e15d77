using System.Text;

namespace ML.Pruning.Samples.Reviews;

/// <summary>Makes a vocab.txt for BERT's tokenizer: the special tokens, single characters, and the most frequent words
/// of some texts.</summary>
public static class WordVocabulary
{
    private static readonly string[] s_special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Makes the vocabulary.</summary>
    /// <param name="texts">The texts, their words apart by spaces.</param>
    /// <param name="words">How many words at most.</param>
    /// <returns>The tokens in the order of their ids.</returns>
    public static IReadOnlyList<string> Make(IEnumerable<string> texts, int words)
    {
        Dictionary<string, int> counts = texts
            .SelectMany(text => text.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .CountBy(word => word).ToDictionary(StringComparer.Ordinal);
        char[] characters = [.. counts.Keys.SelectMany(word => word).Distinct().Order()];
        IEnumerable<string> frequent = counts.OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => c.Key).Take(words);
        return [.. s_special.Concat(characters.SelectMany(c => (string[])[$"{c}", $"##{c}"])).Concat(frequent)
            .Distinct()];
    }

    /// <summary>The bytes of vocab.txt.</summary>
    /// <param name="tokens">The tokens.</param>
    public static byte[] ToFile(IReadOnlyList<string> tokens) =>
        Encoding.UTF8.GetBytes(string.Join('\n', tokens) + "\n");
}
