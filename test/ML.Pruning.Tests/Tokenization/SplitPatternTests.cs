using System.Text.Json;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>The published split patterns; the pieces were worked out by hand from the patterns.</summary>
[TestClass]
public sealed class SplitPatternTests
{
    private const string Gpt2 = """{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""";

    private const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        + @"\s*[\r\n]+|\s+(?!\S)|\s+";

    // Oniguruma reads the class inside the class as a part of it.
    private const string Bloom =
        " ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+";

    private const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
        + @"\s*[\r\n]+|\s+(?!\S)|\s+";

    [TestMethod]
    [DataRow("I'm sure it's DON'T 12345 ok", "I|'m| sure| it|'s| DON|'|T| 12345| ok")]
    [DataRow("a   b\n\n  c  \n", "a|  | b|\n\n | c|  \n")]
    [DataRow("\u00DCn\u00EF\u00A9ode, \u4F60\u597D \u043C\u0438\u0440\U0001F642!",
        "\u00DCn\u00EF|\u00A9|ode|,| \u4F60\u597D| \u043C\u0438\u0440|\U0001F642!")]
    [DataRow("x\n\U0001F642a", "x|\n|\U0001F642|a")]
    [DataRow("\U0001D49C\U0001D4B7 \U00020000\U0001D7D9", "\U0001D49C\U0001D4B7| \U00020000|\U0001D7D9")]
    [DataRow("e\u0301a\u00A0b", "e|\u0301|a|\u00A0|b")]
    public void PreTokenize_Gpt2_CutsAsThePattern(string text, string expected) => Check(Gpt2, text, expected);

    [TestMethod]
    [DataRow("I'm sure it's DON'T 12345 ok", "I|'m| sure| it|'s| DON|'T| |123|45| ok")]
    [DataRow("a   b\n\n  c  \n", "a|  | b|\n\n| | c|  \n")]
    [DataRow("\u00DCn\u00EF\u00A9ode, \u4F60\u597D \u043C\u0438\u0440\U0001F642!",
        "\u00DCn\u00EF|\u00A9ode|,| \u4F60\u597D| \u043C\u0438\u0440|\U0001F642!")]
    [DataRow("x\n\U0001F642a", "x|\n|\U0001F642a")]
    [DataRow("\U0001D7D9\U0001D7DA\U0001D7DB\U0001D7DC", "\U0001D7D9\U0001D7DA\U0001D7DB|\U0001D7DC")]
    [DataRow("e\u0301a!!\r\n\r\nb", "e|\u0301a|!!\r\n\r\n|b")]
    public void PreTokenize_Llama3_CutsAsThePattern(string text, string expected)
        => Check(Split(Llama3), text, expected);

    [TestMethod]
    [DataRow("Hello, world! a(b)|c", "Hello|,| world|!| a|(|b|)||c")]
    [DataRow("two  spaces\tand\u3002tab", "two| | spaces|\t|and|\u3002|tab")]
    [DataRow("\u0623\u0646\u0627\u060C \u0905\u0964x", "\u0623\u0646\u0627|\u060C| \u0905|\u0964|x")]
    public void PreTokenize_Bloom_CutsAsThePattern(string text, string expected) => Check(Split(Bloom), text, expected);

    [TestMethod]
    [DataRow("I'm sure it's DON'T 123 ok", "I|'m| sure| it|'s| DON|'T| |1|2|3| ok")]
    [DataRow("\U0001D7D9\U0001D7DA\u00BD", "\U0001D7D9|\U0001D7DA|\u00BD")]
    [DataRow("tab\tand  space\n", "tab|\tand| | space|\n")]
    public void PreTokenize_Qwen2_CutsAsThePattern(string text, string expected) => Check(Split(Qwen2), text, expected);

    private static string Split(string pattern)
        => $$"""{"type":"Split","pattern":{"Regex":{{JsonSerializer.Serialize(pattern)}}},"behavior":"Isolated"}""";

    private static void Check(string preTokenizer, string text, string expected)
    {
        string[] pieces = TokenizerJson.Cut(preTokenizer, text);
        Assert.AreEqual(expected, string.Join('|', pieces));
        Assert.AreEqual(text, string.Concat(pieces));
    }
}
