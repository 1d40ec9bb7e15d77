using System.Diagnostics;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Oracle: the textbook algorithm, which searches the whole list for every merge.</summary>
[TestClass]
public sealed class BytePairModelTests
{
    [TestMethod]
    [DataRow(12)]
    [DataRow(31)]
    [DataRow(33)]
    [DataRow(400)]
    public void Encode_RandomTexts_EqualsNaiveMerging(int length)
    {
        var random = new Random(length);
        for (int round = 0; round < 200; round++)
        {
            (string[] tokens, string[] merges) = RandomVocabulary(random);
            HuggingFaceTokenizer tokenizer = new TokenizerJson(tokens, merges).Parse();
            string text = string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(3))));
            string[] actual = [.. tokenizer.EncodeData(text).Select(id => tokens[id])];
            CollectionAssert.AreEqual(MergeNaively(text, merges), actual, $"{text} with {string.Join(',', merges)}");
        }
    }

    [TestMethod]
    public void Encode_EqualRanks_MergesTheLeftmostFirst()
    {
        HuggingFaceTokenizer tokenizer = new TokenizerJson(["a", "aa"], ["a a"]).Parse();
        CollectionAssert.AreEqual(new[] { 1, 1, 0 }, tokenizer.EncodeData("aaaaa").ToArray());
    }

    [TestMethod]
    public void Encode_RepeatedMerge_TakesTheLaterRank()
    {
        // "a b" stands first and last; Hugging Face keeps the last, so "b c" goes first.
        HuggingFaceTokenizer tokenizer = new TokenizerJson(["a", "b", "c", "ab", "bc"], ["a b", "b c", "a b"]).Parse();
        CollectionAssert.AreEqual(new[] { 0, 4 }, tokenizer.EncodeData("abc").ToArray());
    }

    [TestMethod]
    public void Encode_MergesAsPairs_AreReadLikeStrings()
    {
        TokenizerJson json = new TokenizerJson(["a", " ", "a "], []).SetModel("merges", """[["a"," "]]""");
        CollectionAssert.AreEqual(new[] { 2, 0 }, json.Parse().EncodeData("a a").ToArray());
    }

    [TestMethod]
    public void Encode_UnknownCharacters_FuseOnlyIfAsked()
    {
        TokenizerJson json = new TokenizerJson(["a", "?"], []).SetModel("unk_token", "\"?\"");
        CollectionAssert.AreEqual(new[] { 0, 1, 1, 1, 0 }, json.Parse().EncodeData("ax\U0001F642ya").ToArray());
        json.SetModel("fuse_unk", "true");
        CollectionAssert.AreEqual(new[] { 0, 1, 0 }, json.Parse().EncodeData("ax\U0001F642ya").ToArray());
        json.SetModel("unk_token", "null");
        CollectionAssert.AreEqual(new[] { 0, 0 }, json.Parse().EncodeData("ax\U0001F642ya").ToArray());
    }

    [TestMethod]
    public void Encode_ByteFallback_WritesUtf8Bytes()
    {
        string[] bytes = ["<0xC3>", "<0xA9>", "<0xF0>"];
        TokenizerJson json = new TokenizerJson(["a", "?", .. bytes], [])
            .SetModel("unk_token", "\"?\"").SetModel("byte_fallback", "true").SetModel("fuse_unk", "true")
            .Set("decoder", """{"type":"ByteFallback"}""");
        HuggingFaceTokenizer tokenizer = json.Parse();
        CollectionAssert.AreEqual(new[] { 0, 2, 3, 0 }, tokenizer.EncodeData("a\u00E9a").ToArray());
        Assert.AreEqual("a\u00E9a", tokenizer.DecodeTokens([0, 2, 3, 0]));
        // F0 is there, but not all four bytes of the emoji: it is unknown as a whole, and stays in its place.
        CollectionAssert.AreEqual(new[] { 1, 2, 3, 1 }, tokenizer.EncodeData("\U0001F642\u00E9x").ToArray());
    }

    [TestMethod]
    public void Encode_IgnoreMerges_TakesWholePiecesThatAreTokens()
    {
        TokenizerJson json = new TokenizerJson(["a", "b", "c", "abc"], []);
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, json.Parse().EncodeData("abc").ToArray());
        json.SetModel("ignore_merges", "true");
        CollectionAssert.AreEqual(new[] { 3 }, json.Parse().EncodeData("abc").ToArray());
        CollectionAssert.AreEqual(new[] { 0, 1, 2, 0 }, json.Parse().EncodeData("abca").ToArray());
    }

    [TestMethod]
    public void Encode_PrefixAndSuffix_MarkThePlaceInTheWord()
    {
        TokenizerJson json = new TokenizerJson(["a", "##b", "##c</w>", "##bc</w>", "a</w>"], ["##b ##c</w>"])
            .SetModel("continuing_subword_prefix", "\"##\"").SetModel("end_of_word_suffix", "\"</w>\"");
        CollectionAssert.AreEqual(new[] { 0, 3 }, json.Parse().EncodeData("abc").ToArray());
        CollectionAssert.AreEqual(new[] { 4 }, json.Parse().EncodeData("a").ToArray());
    }

    [TestMethod]
    public void Encode_OneLongWord_TakesNoQuadraticTime()
    {
        HuggingFaceTokenizer tokenizer =
            new TokenizerJson(["a", "b", "ab", "abab", "ba"], ["a b", "ab ab", "b a"]).Parse();
        string text = string.Concat(Enumerable.Repeat("ab", 500_000));
        Stopwatch watch = Stopwatch.StartNew();
        IReadOnlyList<int> ids = tokenizer.EncodeData(text);
        Assert.AreEqual(250_000, ids.Count(id => id == 3));
        Assert.IsTrue(watch.Elapsed < TimeSpan.FromSeconds(30), $"took {watch.Elapsed}");
    }

    private static (string[] Tokens, string[] Merges) RandomVocabulary(Random random)
    {
        List<string> tokens = ["a", "b", "c"];
        List<string> merges = [];
        for (int i = 0; i < 12; i++)
        {
            string left = tokens[random.Next(tokens.Count)];
            string right = tokens[random.Next(tokens.Count)];
            if (merges.Contains($"{left} {right}"))
                continue;
            merges.Add($"{left} {right}");
            if (!tokens.Contains(left + right))
                tokens.Add(left + right);
        }
        return ([.. tokens], [.. merges]);
    }

    private static string[] MergeNaively(string text, string[] merges)
    {
        List<string> symbols = [.. text.Select(letter => $"{letter}")];
        while (true)
        {
            (int Rank, int At) best = (int.MaxValue, -1);
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                int rank = Array.IndexOf(merges, $"{symbols[i]} {symbols[i + 1]}");
                if (rank >= 0 && rank < best.Rank)
                    best = (rank, i);
            }
            if (best.At < 0)
                return [.. symbols];
            symbols[best.At] += symbols[best.At + 1];
            symbols.RemoveAt(best.At + 1);
        }
    }
}
