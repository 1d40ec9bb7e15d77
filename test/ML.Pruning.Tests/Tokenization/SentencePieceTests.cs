using System.Text;
using System.Text.Json;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>SentencePiece models written by hand, field by field.</summary>
[TestClass]
public sealed class SentencePieceTests
{
    [TestMethod]
    public void Load_ModelMadeOfTokenizerJson_EncodesTheSame()
    {
        string source = SharedFiles.Model("stories260K");
        HuggingFaceTokenizer expected = HuggingFaceTokenizer.Load(source);
        using var folder = new TestFolder();
        folder.Write("tokenizer.model", FromTokenizerJson(expected.TokenizerJson));
        folder.Write("tokenizer_config.json", expected.TokenizerConfigJson.ToArray());
        HuggingFaceTokenizer actual = HuggingFaceTokenizer.Load(folder.Path);

        Assert.AreEqual(expected.VocabularySize, actual.VocabularySize);
        Assert.AreEqual((1, 2), (actual.BosTokenId, actual.EosTokenId));
        foreach (string text in SharedFiles.Documents("stories.valid.jsonl").Take(40)
            .Append("the <unk> <0x41> \u4F60\U0001F642\n  x"))
        {
            CollectionAssert.AreEqual(expected.EncodeData(text).ToArray(), actual.EncodeData(text).ToArray());
            int[] prompt = [.. actual.EncodePrompt(text, addSpecialTokens: true)];
            CollectionAssert.AreEqual(expected.EncodePrompt(text, addSpecialTokens: true).ToArray(), prompt);
            Assert.AreEqual(expected.DecodeTokens(prompt), actual.DecodeTokens(prompt));
        }
        HuggingFaceTokenizer again = HuggingFaceTokenizer.Parse(actual.TokenizerJson.Span);
        CollectionAssert.AreEqual(actual.EncodeData("a b").ToArray(), again.EncodeData("a b").ToArray());
    }

    [TestMethod]
    public void Load_ExtraWhitespace_IsRemovedIfTheModelSays()
    {
        byte[][] pieces = [Piece("<unk>", 0, 2), Piece("\u2581", -1, 1), Piece("a", -2, 1), Piece("\u2581a", 0, 1)];
        HuggingFaceTokenizer folding = Load([.. pieces, Trainer(2), Normalizer(prefix: true, remove: true)]);
        CollectionAssert.AreEqual(new[] { 3, 3, 2, 3 }, folding.EncodeData("  a   aa a ").ToArray());
        HuggingFaceTokenizer keeping = Load([.. pieces, Trainer(2), Normalizer(prefix: false, remove: false)]);
        CollectionAssert.AreEqual(new[] { 1, 3, 1 }, keeping.EncodeData("  a ").ToArray());
        Assert.AreEqual("  a ", keeping.DecodeTokens(keeping.EncodeData("  a ")));
    }

    [TestMethod]
    public void Load_HigherScore_IsMergedFirst()
    {
        byte[][] pieces =
            [Piece("a", -9, 1), Piece("b", -9, 1), Piece("c", -9, 1), Piece("ab", -2, 1), Piece("bc", -1, 1)];
        HuggingFaceTokenizer tokenizer = Load([.. pieces, Trainer(2), Normalizer(prefix: false, remove: false)]);
        CollectionAssert.AreEqual(new[] { 0, 4, 3 }, tokenizer.EncodeData("abcab").ToArray());
    }

    [TestMethod]
    public void Load_UnsupportedModels_AreRefusedByName()
    {
        byte[] unknown = Piece("<unk>", 0, 2);
        Refuses("Unigram", unknown, Trainer(1));
        Refuses("Unigram", unknown);
        Refuses("Word", unknown, Trainer(3));
        Refuses("nmt_nfkc", unknown, Trainer(2), Message(3, [.. Text(1, "nmt_nfkc"), .. Text(2, "map")]));
        Refuses("Unused", Piece("x", 0, 5), Trainer(2));
        Refuses("whitespace_as_suffix", unknown, Message(2, [.. Varint(3, 2), .. Varint(24, 1)]));
        Refuses("bos_id 7", unknown, Message(2, [.. Varint(3, 2), .. Varint(41, 7)]));
    }

    [TestMethod]
    public void Load_DamagedModel_IsRefused()
    {
        byte[] whole = [.. Piece("<unk>", 0, 2), .. Piece("a", -1, 1), .. Trainer(2), .. Normalizer(true, true)];
        for (int length = 0; length < whole.Length; length++)
        {
            try
            {
                Load([whole[..length]]);
            }
            catch (TokenizerFormatException error)
            {
                StringAssert.Contains(error.Message, "tokenizer");
            }
        }
        Refuses("damaged", [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]);
        Refuses("damaged", [0x0B]);
        Refuses("damaged", [.. Enumerable.Repeat((byte)0xFF, 12)]);
        Refuses("UTF-8", Message(1, [0x0A, 0x01, 0xFF]));
    }

    private static void Refuses(string expected, params byte[][] parts)
    {
        TokenizerFormatException error = Assert.ThrowsExactly<TokenizerFormatException>(() => Load(parts));
        StringAssert.Contains(error.Message, expected);
    }

    private static HuggingFaceTokenizer Load(byte[][] parts)
    {
        using var folder = new TestFolder();
        folder.Write("tokenizer.model", [.. parts.SelectMany(part => part)]);
        return HuggingFaceTokenizer.Load(folder.Path);
    }

    /// <summary>The tokenizer.model that says what a tokenizer.json with byte-pair merges says.</summary>
    internal static byte[] FromTokenizerJson(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement model = document.RootElement.GetProperty("model");
        var scores = new Dictionary<string, float>();
        foreach (JsonElement merge in model.GetProperty("merges").EnumerateArray())
            scores.TryAdd(merge.GetString()!.Replace(" ", "", StringComparison.Ordinal), -scores.Count);
        using var stream = new MemoryStream();
        JsonElement.ObjectEnumerator vocabulary = model.GetProperty("vocab").EnumerateObject();
        foreach (JsonProperty token in vocabulary.OrderBy(entry => entry.Value.GetInt32()))
        {
            int type = token.Name switch
            {
                "<unk>" => 2,
                "<s>" or "</s>" => 3,
                string name when name.StartsWith("<0x", StringComparison.Ordinal) => 6,
                _ => 1,
            };
            stream.Write(Piece(token.Name, scores.GetValueOrDefault(token.Name, -1000), type));
        }
        stream.Write(Message(2, [.. Varint(3, 2), .. Varint(35, 1), .. Varint(41, 1), .. Varint(42, 2)]));
        stream.Write(Normalizer(prefix: true, remove: false));
        return stream.ToArray();
    }

    private static byte[] Piece(string text, float score, int type)
        => Message(1, [.. Text(1, text), (2 << 3) | 5, .. BitConverter.GetBytes(score), .. Varint(3, type)]);

    // bos_id and eos_id of -1 (none), as the negative varints that protocol buffers write.
    private static byte[] Trainer(int modelType)
        => Message(2, [.. Varint(3, modelType), .. Varint(41, -1), .. Varint(42, -1)]);

    private static byte[] Normalizer(bool prefix, bool remove)
        => Message(
            3, [.. Text(1, "identity"), .. Varint(3, prefix ? 1 : 0), .. Varint(4, remove ? 1 : 0), .. Varint(5, 1)]);

    private static byte[] Text(int field, string text) => Message(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Message(int field, byte[] content)
        => [.. Number((ulong)((field << 3) | 2)), .. Number((ulong)content.Length), .. content];

    private static byte[] Varint(int field, long value) => [.. Number((ulong)(field << 3)), .. Number((ulong)value)];

    private static IEnumerable<byte> Number(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            yield return (byte)(value | 0x80);
        yield return (byte)value;
    }
}
