using System.Buffers;
using Microsoft.ML.Tokenizers;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.StandIns;

/// <summary>What the base class Tokenizer makes of the two methods that a subclass must write.</summary>
[TestClass]
public sealed class TokenizerBaseTests
{
    private const string Text = "one two three";

    [TestMethod]
    public void EncodeToIds_OfStringAndSpan_GivesTheTokensIds()
    {
        var tokenizer = new WordTokenizer();
        int[] expected = [3, 3, 5];
        CollectionAssert.AreEqual(expected, tokenizer.EncodeToIds(Text).ToArray());
        CollectionAssert.AreEqual(expected, tokenizer.EncodeToIds(Text.AsSpan()).ToArray());
        Assert.AreEqual(3, tokenizer.CountTokens(Text));
        Assert.AreEqual(3, tokenizer.CountTokens(Text.AsSpan()));
        Assert.IsNull(tokenizer.Normalizer);
        Assert.IsNull(tokenizer.PreTokenizer);
    }

    [TestMethod]
    public void EncodeToIds_TokenCount_ReachesTheSubclass()
    {
        var tokenizer = new WordTokenizer();
        IReadOnlyList<int> ids = tokenizer.EncodeToIds(
            Text, 2, out string? normalized, out int consumed, considerPreTokenization: false);
        CollectionAssert.AreEqual(new[] { 3, 3 }, ids.ToArray());
        Assert.AreEqual(7, consumed);
        Assert.AreEqual("ONE TWO THREE", normalized);
        Assert.IsFalse(tokenizer.LastSettings.ConsiderPreTokenization);
        Assert.IsTrue(tokenizer.LastSettings.ConsiderNormalization);
        Assert.AreEqual(int.MaxValue, new EncodeSettings().MaxTokenCount);
    }

    [TestMethod]
    public void EncodeToTokens_OfText_GivesValuesAndOffsets()
    {
        IReadOnlyList<EncodedToken> tokens = new WordTokenizer().EncodeToTokens(Text, out string? normalized);
        Assert.AreEqual("ONE TWO THREE", normalized);
        Assert.IsTrue(tokens[1].Equals(new EncodedToken(3, "TWO", 4..7)));
        Assert.IsFalse(tokens[1].Equals(new EncodedToken(3, "TWO", 4..8)));
    }

    [TestMethod]
    public void GetIndexByTokenCount_FromBothEnds_FindsTheCut()
    {
        var tokenizer = new WordTokenizer();
        Assert.AreEqual(7, tokenizer.GetIndexByTokenCount(Text, 2, out _, out int count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(4, tokenizer.GetIndexByTokenCountFromEnd(Text, 2, out _, out count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(0, tokenizer.GetIndexByTokenCountFromEnd(Text.AsSpan(), 9, out _, out count));
        Assert.AreEqual(3, count);
    }

    [TestMethod]
    public void Decode_ToString_GrowsUntilItFits()
    {
        var tokenizer = new WordTokenizer();
        Assert.AreEqual(new string('x', 5000), tokenizer.Decode([5000]));
        Assert.ThrowsExactly<ArgumentNullException>(() => tokenizer.Decode(null!));
    }

    /// <summary>Words are tokens; the id is the length; the normalizer writes capitals.</summary>
    private sealed class WordTokenizer : Tokenizer
    {
        public EncodeSettings LastSettings { get; private set; }

        public override OperationStatus Decode(
            IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
        {
            idsConsumed = charsWritten = 0;
            foreach (int id in ids)
            {
                if (id > destination.Length - charsWritten)
                    return OperationStatus.DestinationTooSmall;
                destination.Slice(charsWritten, id).Fill('x');
                charsWritten += id;
                idsConsumed++;
            }
            return OperationStatus.Done;
        }

        protected override EncodeResults<EncodedToken> EncodeToTokens(
            string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        {
            LastSettings = settings;
            string normalized = (text ?? textSpan.ToString()).ToUpperInvariant();
            var tokens = new List<EncodedToken>();
            int at = 0;
            foreach (string word in normalized.Split(' ').Take(settings.MaxTokenCount))
            {
                tokens.Add(new EncodedToken(word.Length, word, at..(at + word.Length)));
                at += word.Length + 1;
            }
            return new EncodeResults<EncodedToken>
            {
                Tokens = tokens,
                NormalizedText = normalized,
                CharsConsumed = tokens[^1].Offset.End.Value,
            };
        }
    }
}
