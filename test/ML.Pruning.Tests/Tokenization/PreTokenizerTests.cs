using System.Globalization;
using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Each pre-tokenizer on texts whose pieces follow from its definition.</summary>
[TestClass]
public sealed class PreTokenizerTests
{
    [TestMethod]
    [DataRow("Removed", "the|final|countdown", "the|final|countdown")]
    [DataRow("Isolated", "the|-|final|-|-|countdown", "the|-|final|--|countdown")]
    [DataRow("MergedWithPrevious", "the-|final-|-|countdown", "the-|final--|countdown")]
    [DataRow("MergedWithNext", "the|-final|-|-countdown", "the|-final|--countdown")]
    [DataRow("Contiguous", "the|-|final|--|countdown", "the|-|final|--|countdown")]
    public void Split_AtHyphens_FollowsTheBehavior(string behavior, string expected, string expectedOfWords)
    {
        const string text = "the-final--countdown";
        string literal = $$"""{"type":"Split","pattern":{"String":"-"},"behavior":"{{behavior}}","invert":false}""";
        Assert.AreEqual(expected, string.Join('|', TokenizerJson.Cut(literal, text)));
        string words = $$"""{"type":"Split","pattern":{"Regex":"[^-]+"},"behavior":"{{behavior}}","invert":true}""";
        Assert.AreEqual(expectedOfWords, string.Join('|', TokenizerJson.Cut(words, text)));
    }

    [TestMethod]
    [DataRow("""{"type":"Digits","individual_digits":true}""", "a12\u0663b", "a|1|2|\u0663|b")]
    [DataRow("""{"type":"Digits","individual_digits":false}""", "a12\u0663b", "a|12\u0663|b")]
    [DataRow("""{"type":"Whitespace"}""", "Hey, you_2! cafe\u0301\t\u4F60", "Hey|,|you_2|!|cafe\u0301|\u4F60")]
    [DataRow("""{"type":"WhitespaceSplit"}""", " Hey,\u00A0you\u3000 !\n", "Hey,|you|!")]
    [DataRow("""{"type":"Punctuation"}""", "a$b\u2014c\u00A9", "a|$|b|\u2014|c\u00A9")]
    [DataRow("""{"type":"Punctuation","behavior":"Contiguous"}""", "a..b", "a|..|b")]
    [DataRow("""{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"}""", "Hey  you", "Hey| | you")]
    [DataRow(
        """{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"never","split":false}""", "Hey you", "Hey you")]
    [DataRow("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Digits"}]}""", "a1 2", "a|1|2")]
    public void PreTokenize_Component_CutsAsDefined(string component, string text, string expected)
        => Assert.AreEqual(expected, string.Join('|', TokenizerJson.Cut(component, text)));

    [TestMethod]
    [DataRow("always", "_a|_<s>|_b")]
    [DataRow("first", "_a|<s>|b")]
    [DataRow("never", "a|<s>|b")]
    public void Metaspace_PrependScheme_DecidesWhereTheMarkerStands(string scheme, string expected)
    {
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("ab_")
            .Add(3, "<s>", """{"special":true}""")
            .Set("pre_tokenizer", $$"""{"type":"Metaspace","replacement":"_","prepend_scheme":"{{scheme}}"}""")
            .Parse();
        string written = string.Concat(tokenizer.EncodePrompt("a<s>b").Select(id => "ab_|"[id]))
            .Replace("|", "|<s>|", StringComparison.Ordinal);
        Assert.AreEqual(expected.Replace("_<s>", "<s>", StringComparison.Ordinal), written);
    }

    [TestMethod]
    public void Metaspace_SchemeAgainstPrefixFlag_IsRefused()
    {
        const string both =
            """{"type":"Metaspace","replacement":"_","add_prefix_space":false,"prepend_scheme":"first"}""";
        TokenizerFormatException error =
            Assert.ThrowsExactly<TokenizerFormatException>(() => TokenizerJson.Cut(both, "a"));
        StringAssert.Contains(error.Message, "prepend_scheme");
    }

    [TestMethod]
    public void Representative_OfEveryCategory_HasThatCategory()
    {
        for (int value = 0x10000; value <= 0x10FFFF; value++)
        {
            var rune = new Rune(value);
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            char stand = CharacterClasses.Representative(rune);
            Assert.AreEqual(category, CharUnicodeInfo.GetUnicodeCategory(stand), $"U+{value:X}");
        }
    }
}
