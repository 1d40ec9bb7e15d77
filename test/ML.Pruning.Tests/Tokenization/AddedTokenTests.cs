using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Prompts recognise added tokens with their flags; data does not.</summary>
[TestClass]
public sealed class AddedTokenTests
{
    private const string Letters = "abcmnoy <>\t";

    [TestMethod]
    [DataRow("""{"special":true}""", "a <m> b", "a| |#| |b")]
    [DataRow("""{"lstrip":true,"special":true}""", "a \t<m> b", "a|#| |b")]
    [DataRow("""{"rstrip":true,"special":true}""", "a <m> \tb", "a| |#|b")]
    [DataRow("""{"lstrip":true,"rstrip":true,"special":true}""", "<m> <m>", "#|#")]
    [DataRow("""{"single_word":true,"special":true}""", "a<m> <m> <m>b", "a|<|m|>| |#| |<|m|>|b")]
    public void EncodePrompt_Flags_DecideWhatIsRecognised(string flags, string text, string expected)
    {
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters(Letters).Add(Letters.Length, "<m>", flags).Parse();
        string Write(IEnumerable<int> ids) => string.Join('|', ids.Select(id => (Letters + "#")[id]));
        Assert.AreEqual(expected, Write(tokenizer.EncodePrompt(text)));
        Assert.AreEqual(string.Join('|', text.AsEnumerable()), Write(tokenizer.EncodeData(text)));
    }

    [TestMethod]
    public void EncodePrompt_OverlappingTokens_TakesTheLongestOfTheLeftmost()
    {
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("abc")
            .Add(3, "ab", "{}").Add(4, "abc", "{}").Add(5, "bc", "{}").Parse();
        CollectionAssert.AreEqual(new[] { 4, 3, 5, 0, 4 }, tokenizer.EncodePrompt("abcabbcaabc").ToArray());
    }

    [TestMethod]
    public void EncodePrompt_NormalizedTokens_AreSoughtInNormalizedText()
    {
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("abm ")
            .Add(4, "MM", """{"normalized":true}""").Add(5, "AA", """{"normalized":false}""")
            .Set("normalizer", """{"type":"Lowercase"}""").Parse();
        CollectionAssert.AreEqual(new[] { 4, 3, 0, 0, 3, 5, 3, 4 }, tokenizer.EncodePrompt("mm aa AA Mm").ToArray());
    }

    [TestMethod]
    public void EncodePrompt_EachSection_IsNormalizedByItself()
    {
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("ab_").Add(3, "<m>", """{"special":true}""")
            .Set("normalizer", """{"type":"Prepend","prepend":"_"}""").Parse();
        CollectionAssert.AreEqual(new[] { 2, 0, 3, 2, 1 }, tokenizer.EncodePrompt("a<m>b").ToArray());
        CollectionAssert.AreEqual(new[] { 3 }, tokenizer.EncodePrompt("<m>").ToArray());
    }

    [TestMethod]
    public void EncodePrompt_AddSpecialTokens_AppliesTheTemplates()
    {
        const string template = """
            {"type":"Sequence","processors":[{"type":"ByteLevel"},{"type":"TemplateProcessing",
             "single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
                       {"SpecialToken":{"id":"</s>","type_id":0}}],
             "pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]},
                                         "</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}}]}
            """;
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("a")
            .Add(1, "<s>", """{"special":true}""").Add(2, "</s>", """{"special":true}""")
            .Set("post_processor", template).Parse();
        CollectionAssert.AreEqual(new[] { 1, 0, 2 }, tokenizer.EncodePrompt("a", addSpecialTokens: true).ToArray());
        CollectionAssert.AreEqual(new[] { 0 }, tokenizer.EncodePrompt("a").ToArray());
        Assert.AreEqual(1, tokenizer.BosTokenId);
        Assert.AreEqual(2, tokenizer.EosTokenId);
        Assert.AreEqual("a", tokenizer.DecodeTokens([1, 0, 2]));
        Assert.AreEqual("<s>a</s>", tokenizer.DecodeTokens([1, 0, 2], skipSpecialTokens: false));
    }

    [TestMethod]
    public void Parse_Config_GivesBosEosAndAddedTokens()
    {
        const string config = """
            {"bos_token":"b","eos_token":{"content":"<e>","lstrip":false},"add_bos_token":true,
             "added_tokens_decoder":{"3":{"content":"<e>","special":true},"4":{"content":"<x>","special":false}}}
            """;
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("abc").Parse(config);
        Assert.AreEqual(1, tokenizer.BosTokenId);
        Assert.AreEqual(3, tokenizer.EosTokenId);
        Assert.AreEqual(5, tokenizer.VocabularySize);
        Assert.IsTrue(tokenizer.IsSpecial(1) && tokenizer.IsSpecial(3) && !tokenizer.IsSpecial(4));
        CollectionAssert.AreEqual(new[] { 1, 0, 4, 2 }, tokenizer.EncodePrompt("a<x>c", true).ToArray());
    }
}
