using System.Buffers;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Decoder chains on tokens whose text follows from their definitions; decoding one id at a time.</summary>
[TestClass]
public sealed class DecoderTests
{
    private const string LlamaDecoder = """
        {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"_"},"content":" "},
         {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}
        """;

    [TestMethod]
    [DataRow("""{"type":"ByteFallback"}""", "Hey|<0xE5>|<0x8f>|<0xab>|a", "Hey\u53EBa")]
    [DataRow("""{"type":"ByteFallback"}""", "<0xE5>|<0x8f>|a", "\uFFFD\uFFFDa")]
    [DataRow("""{"type":"ByteFallback"}""", "<0xZZ>|<0x61>", "<0xZZ>a")]
    [DataRow("""{"type":"Metaspace","replacement":"_","prepend_scheme":"always"}""", "_Hey|_you", "Hey you")]
    [DataRow("""{"type":"Metaspace","replacement":"_","prepend_scheme":"never"}""", "_Hey|_you", " Hey you")]
    [DataRow("""{"type":"Strip","content":"a","start":1,"stop":2}""", "aab|baaa|a", "abba")]
    [DataRow("""{"type":"Replace","pattern":{"Regex":"[ab]"},"content":"-"}""", "ab|c", "--c")]
    [DataRow("""{"type":"ByteLevel"}""", "\u00C3|\u00A9\u0120|\u4F60", "\u00E9 \u4F60")]
    [DataRow("""{"type":"ByteLevel"}""", "\u00C3|a", "\uFFFDa")]
    [DataRow(LlamaDecoder, "__a|_b|<0xC3>|<0xA9>", " a b\u00E9")]
    [DataRow("null", "a|b", "a b")]
    public void DecodeTokens_Component_JoinsAsDefined(string decoder, string tokens, string expected)
    {
        string[] list = tokens.Split('|');
        HuggingFaceTokenizer tokenizer = new TokenizerJson(list, []).Set("decoder", decoder).Parse();
        int[] ids = [.. Enumerable.Range(0, list.Length)];
        Assert.AreEqual(expected, tokenizer.DecodeTokens(ids));
        Assert.AreEqual(expected, tokenizer.Decode(ids));
        Assert.AreEqual(expected, Stream(tokenizer, ids, out _));
    }

    [TestMethod]
    public void IncrementalDecoder_OfACharacterInBytes_WaitsForItsLast()
    {
        string[] tokens = ["_a", "<0xF0>", "<0x9F>", "<0x99>", "<0x82>", "_b", "<0xE5>"];
        HuggingFaceTokenizer tokenizer = new TokenizerJson(tokens, []).Set("decoder", LlamaDecoder).Parse();
        string text = Stream(tokenizer, [0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6], out string[] steps);
        Assert.AreEqual("a\U0001F642\U0001F642 b\uFFFD", text);
        CollectionAssert.AreEqual(
            new[] { "a", "", "", "", "\U0001F642", "", "", "", "\U0001F642", " b", "", "\uFFFD" }, steps);
    }

    [TestMethod]
    public void IncrementalDecoder_OfRandomTexts_GivesWhatDecodeTokensGives()
    {
        HuggingFaceTokenizer stories = HuggingFaceTokenizer.Load(SharedFiles.Model("stories260K"));
        IEnumerable<string> stories5 = SharedFiles.Documents("stories.valid.jsonl").Take(5);
        foreach (string text in stories5.Append(" x  \u4F60\u597D\U0001F642"))
        {
            int[] ids = [1, .. stories.EncodeData(text), 2];
            Assert.AreEqual(text, Stream(stories, ids, out _));
            string whole = stories.DecodeTokens(ids, skipSpecialTokens: false);
            Assert.AreEqual(whole, Stream(stories, ids, out _, skipSpecialTokens: false));
        }
    }

    [TestMethod]
    public void DecodeTokens_IdWithoutToken_AddsNothingAndNegativeThrows()
    {
        HuggingFaceTokenizer tokenizer = TokenizerJson.OfLetters("ab").Parse();
        Assert.AreEqual("ab", tokenizer.DecodeTokens([0, 700, 1]));
        ArgumentOutOfRangeException error =
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.DecodeTokens([0, -3]));
        StringAssert.Contains(error.Message, "-3");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.CreateIncrementalDecoder().Add(-1));
    }

    [TestMethod]
    public void Decode_IntoSpan_SaysWhatFitted()
    {
        HuggingFaceTokenizer tokenizer = new TokenizerJson(["abc", "de", "<0xC3>"], [])
            .Set("decoder", """{"type":"ByteFallback"}""").Parse();
        var destination = new char[4];
        OperationStatus status = tokenizer.Decode([0, 1], destination, out int consumed, out int written);
        Assert.AreEqual(OperationStatus.DestinationTooSmall, status);
        Assert.AreEqual((1, 3), (consumed, written));
        Assert.AreEqual(
            OperationStatus.Done, tokenizer.Decode([1, 2], destination, out consumed, out written));
        Assert.AreEqual((2, 3), (consumed, written));
        Assert.AreEqual("de\uFFFD", new string(destination, 0, written));
        Assert.AreEqual(
            OperationStatus.InvalidData, tokenizer.Decode([0, -1], destination, out consumed, out written));
    }

    private static string Stream(
        HuggingFaceTokenizer tokenizer, int[] ids, out string[] steps, bool skipSpecialTokens = true)
    {
        IncrementalDecoder decoder = tokenizer.CreateIncrementalDecoder(skipSpecialTokens);
        List<string> texts = [.. ids.Select(decoder.Add)];
        texts.Add(decoder.Flush());
        steps = [.. texts];
        return string.Concat(texts);
    }
}
