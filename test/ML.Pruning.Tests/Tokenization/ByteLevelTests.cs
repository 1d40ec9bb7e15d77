using System.Text;
using Microsoft.ML.Tokenizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Round trips of a byte-level vocabulary learned here.</summary>
[TestClass]
public sealed class ByteLevelTests
{
    private const int MergeCount = 250;

    private static readonly string[] s_tricky =
    [
        "",
        " ",
        "I'm sure it's DON'T, we've they'll he'd",
        "12345 1,234.5 \u0663\u00BD\u2460",
        "a  b   c    d \t\t e",
        "line\nline\r\nline\n\n\n  end \n",
        "\U0001F642\U0001F468\u200D\U0001F469\u200D\U0001F467 \U0001F1E9\U0001F1EA!",
        "e\u0301 n\u0303\u0323 \u1100\u1161\u11A8",
        "\u4F60\u597D\u4E16\u754C \u041F\u0440\u0438\u0432\u0435\u0442 \u05E9\u05DC\u05D5\u05DD "
            + "\u0645\u0631\u062D\u0628\u0627 \u0928\u092E\u0938\u094D\u0924\u0947",
        "\U00020000\U0001D49C\U000E0001\uFEFF\u00A0\u2028\0\u0001\uFFFF",
        "<|endoftext|><s></s><unk>",
    ];

    private static readonly Lazy<TokenizerJson> s_learned =
        new(() => ByteLevelLearner.Learn(ByteLevelLearner.Text(), MergeCount));

    [TestMethod]
    public void DecodeTokens_OfTrickyTexts_IsTheText()
    {
        HuggingFaceTokenizer tokenizer = s_learned.Value.Parse();
        foreach (string text in s_tricky.Append(ByteLevelLearner.Text()))
        {
            IReadOnlyList<int> ids = tokenizer.EncodeData(text);
            Assert.AreEqual(text, tokenizer.DecodeTokens(ids));
            Assert.AreEqual(text, tokenizer.Decode(tokenizer.EncodeToIds(text)));
            Assert.IsTrue(ids.Count <= Encoding.UTF8.GetByteCount(text));
        }
        Assert.IsTrue(tokenizer.EncodeData(ByteLevelLearner.Text()).Count < ByteLevelLearner.Text().Length * 3 / 4);
    }

    [TestMethod]
    public void EncodeData_EachPiece_EncodesAsByItself()
    {
        HuggingFaceTokenizer tokenizer = s_learned.Value.Parse();
        foreach (string text in s_tricky)
        {
            int[] pieces = [.. TokenizerJson.Cut(ByteLevelLearner.Gpt2PreTokenizer, text)
                .SelectMany(piece => tokenizer.EncodeToIds(piece, considerPreTokenization: false))];
            CollectionAssert.AreEqual(pieces, tokenizer.EncodeData(text).ToArray(), text);
        }
    }

    [TestMethod]
    public void EncodeData_PrefixSpace_MakesTheFirstWordLikeTheOthers()
    {
        TokenizerJson json = s_learned.Value;
        HuggingFaceTokenizer plain = json.Parse();
        HuggingFaceTokenizer prefixed = new TokenizerJson([], [])
        {
            Root =
            {
                ["model"] = json.Model.DeepClone(),
                ["decoder"] = json.Root["decoder"]!.DeepClone(),
            },
        }.Set("pre_tokenizer", """{"type":"ByteLevel","add_prefix_space":true}""").Parse();
        CollectionAssert.AreEqual(plain.EncodeData(" the the").ToArray(), prefixed.EncodeData("the the").ToArray());
        CollectionAssert.AreEqual(plain.EncodeData(" the").ToArray(), prefixed.EncodeData(" the").ToArray());
    }

    [TestMethod]
    public void EncodeToTokens_Offsets_PointAtTheText()
    {
        HuggingFaceTokenizer tokenizer = s_learned.Value.Parse();
        const string text = "the \U0001F642 cat\u00E9s";
        IReadOnlyList<EncodedToken> tokens = tokenizer.EncodeToTokens(text, out string? normalized);
        Assert.IsNull(normalized);
        CollectionAssert.AreEqual(tokenizer.EncodeData(text).ToArray(), tokens.Select(token => token.Id).ToArray());
        Assert.AreEqual(0, tokens[0].Offset.Start.Value);
        Assert.AreEqual(text.Length, tokens[^1].Offset.End.Value);
        foreach (EncodedToken token in tokens)
        {
            string covered = text[token.Offset];
            Assert.IsFalse(char.IsLowSurrogate(covered[0]) || char.IsHighSurrogate(covered[^1]), token.Value);
            string decoded = tokenizer.DecodeTokens([token.Id]);
            Assert.IsTrue(decoded.Contains('\uFFFD') || decoded == covered, $"{decoded} is not {covered}");
        }
    }

    [TestMethod]
    public void EncodeToIds_TokenCountInsideACharacter_StopsBeforeIt()
    {
        HuggingFaceTokenizer tokenizer = s_learned.Value.Parse();
        const string text = "!\U0001F642!";
        for (int limit = 1; limit <= 6; limit++)
        {
            IReadOnlyList<int> ids = tokenizer.EncodeToIds(text, limit, out _, out int consumed);
            Assert.IsTrue(ids.Count <= limit);
            Assert.AreEqual(text[..consumed], tokenizer.Decode(ids), $"limit {limit}");
        }
        Assert.AreEqual(1, tokenizer.EncodeToIds(text, 2, out _, out _).Count);
    }

    [TestMethod]
    public void EncodeData_UnpairedSurrogates_BecomeReplacementCharacters()
    {
        HuggingFaceTokenizer tokenizer = s_learned.Value.Parse();
        string broken = "a" + '\uD83D' + "b" + '\uDE42';
        Assert.AreEqual("a\uFFFDb\uFFFD", tokenizer.DecodeTokens(tokenizer.EncodeData(broken)));
    }
}
