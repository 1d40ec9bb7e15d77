using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>The parts of tokenizer.json that the families publish, over small vocabularies; ids were worked out by
/// hand.</summary>
[TestClass]
public sealed class FamilyTokenizerTests
{
    [TestMethod]
    public void Encode_GemmasParts_KeepSpacesAsMarks()
    {
        // No piece is cut at spaces, which are marks by then: merges may cross them.
        TokenizerJson json = new(["<pad>", "<eos>", "<bos>", "a", "\u2581", "b", "a\u2581", "a\u2581b"],
            ["a \u2581", "a\u2581 b"]);
        json.Set("normalizer", """{ "type": "Replace", "pattern": { "String": " " }, "content": "\u2581" }""")
            .Set("pre_tokenizer", """
                { "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false }
                """)
            .Set("decoder", """
                { "type": "Sequence", "decoders": [
                  { "type": "Replace", "pattern": { "String": "\u2581" }, "content": " " },
                  { "type": "ByteFallback" }, { "type": "Fuse" }] }
                """)
            .SetModel("byte_fallback", "true").SetModel("fuse_unk", "true");
        Check(json, "a b  a", [7, 4, 4, 3]);
    }

    [TestMethod]
    public void Encode_GptNeoXParts_TakeRunsOfSpacesAsAddedTokens()
    {
        // A run of spaces is an added token that is not special; the space before a word is the letter G with a dot.
        TokenizerJson json = new(["<|endoftext|>", "a", "\u0120", "\u0120a", "b"], ["\u0120 a"]);
        json.Set("normalizer", """{ "type": "NFC" }""")
            .Set("pre_tokenizer", """{ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true }""")
            .Set("post_processor", """{ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true }""")
            .Set("decoder", """{ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true }""")
            .Add(5, "   ", """{ "normalized": true, "special": false, "lstrip": false, "rstrip": false }""");
        Check(json, "a a   b", [1, 3, 5, 4]);
    }

    [TestMethod]
    public void Encode_BloomsParts_CutWithoutTheGpt2Pattern()
    {
        TokenizerJson json = new(["a", "\u0120", "\u0120a", ",", "1", "a1"], ["\u0120 a", "a 1"]);
        json.Set("pre_tokenizer", """
                { "type": "Sequence", "pretokenizers": [
                  { "type": "Split", "pattern": { "Regex": " ?[^(\\s|[.,!?\u2026])]+" }, "behavior": "Isolated",
                    "invert": false },
                  { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false }] }
                """)
            .Set("post_processor", """{ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false }""")
            .Set("decoder", """{ "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true }""");

        // Letters and digits stay together, as GPT-2's own pattern would not have it.
        Check(json, "a1, a", [5, 3, 2]);
    }

    private static void Check(TokenizerJson json, string text, int[] expected)
    {
        HuggingFaceTokenizer tokenizer = json.Parse();
        int[] ids = [.. tokenizer.EncodeToIds(text)];
        CollectionAssert.AreEqual(expected, ids, string.Join(' ', ids));
        Assert.AreEqual(text, tokenizer.Decode(ids));
    }
}
