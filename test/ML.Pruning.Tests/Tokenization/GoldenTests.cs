using System.Diagnostics;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Goldens of the Hugging Face library on the two models beside the repository.</summary>
[TestClass]
public sealed class GoldenTests
{
    private const string Stories = "stories260K";
    private const string Docs = "docs-6m";

    [TestMethod]
    public void EncodeData_FirstSentenceOfStories_IsTheGolden()
    {
        HuggingFaceTokenizer tokenizer = Load(Stories);
        int[] expected = [403, 407, 261, 378, 432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426];
        const string text = "Once upon a time, there was a little girl named Lily.";
        CollectionAssert.AreEqual(expected, tokenizer.EncodeData(text).ToArray());
        CollectionAssert.AreEqual(expected, tokenizer.EncodePrompt(text).ToArray());
        CollectionAssert.AreEqual(expected.Prepend(1).ToArray(), tokenizer.EncodePrompt(text, true).ToArray());
        Assert.AreEqual(text, tokenizer.DecodeTokens(expected.Prepend(1)));
    }

    [TestMethod]
    public void Load_Models_GiveTheirVocabularyAndSpecialTokens()
    {
        foreach ((string name, int size) in new[] { (Stories, 512), (Docs, 4096) })
        {
            HuggingFaceTokenizer tokenizer = Load(name);
            Assert.AreEqual(size, tokenizer.VocabularySize, name);
            Assert.AreEqual(1, tokenizer.BosTokenId, name);
            Assert.AreEqual(2, tokenizer.EosTokenId, name);
            Assert.IsTrue(tokenizer.IsSpecial(0) && tokenizer.IsSpecial(2) && !tokenizer.IsSpecial(3), name);
        }
    }

    [TestMethod]
    public void EncodeData_LiteralUnknownToken_IsOrdinaryText()
    {
        HuggingFaceTokenizer tokenizer = Load(Stories);
        int[] expected = [410, 504, 379, 433, 505];
        int[] ids = [.. tokenizer.EncodeData("the <unk> of")];
        Assert.IsTrue(ids.AsSpan().IndexOf(expected) > 0, string.Join(' ', ids));
        Assert.IsFalse(ids.Contains(0));
        Assert.IsTrue(tokenizer.EncodePrompt("the <unk> of").Contains(0));
    }

    [TestMethod]
    [DataRow(Stories, "stories.valid.jsonl", 56_738)]
    [DataRow(Stories, "wikitext2.valid.txt", 705_243)]
    [DataRow(Docs, "docs.valid.jsonl", 102_539)]
    public void EncodeData_WholeFile_CountsAsTheGolden(string model, string data, int expected)
    {
        HuggingFaceTokenizer tokenizer = Load(model);
        Stopwatch watch = Stopwatch.StartNew();
        int count = SharedFiles.Documents(data).Sum(text => 1 + tokenizer.EncodeData(text).Count);
        Assert.AreEqual(expected, count);
        Assert.IsTrue(watch.Elapsed < TimeSpan.FromSeconds(30), $"took {watch.Elapsed}");
    }

    [TestMethod]
    [DataRow("stories.valid.jsonl")]
    [DataRow("stories.train.jsonl")]
    [DataRow("wikitext2.valid.txt")]
    [DataRow("docs.valid.jsonl")]
    public void DecodeTokens_OfEncodedData_IsTheText(string data)
    {
        HuggingFaceTokenizer stories = Load(Stories);
        HuggingFaceTokenizer docs = Load(Docs);
        foreach (string text in SharedFiles.Documents(data))
        {
            // The tokenizer writes every space as its marker and reads every marker as a space.
            string spaced = text.Replace('\u2581', ' ');
            Assert.AreEqual(spaced, stories.DecodeTokens(stories.EncodeData(text)));
            string folded = docs.DecodeTokens(docs.EncodeData(text));
            Assert.AreEqual(docs.Normalizer!.Normalize(text)[1..].Replace('\u2581', ' '), folded);
        }
    }

    private static HuggingFaceTokenizer Load(string name) => HuggingFaceTokenizer.Load(SharedFiles.Model(name));
}
