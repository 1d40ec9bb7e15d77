using System.Text;
using Microsoft.VisualStudio.TestTools.UnitTesting;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Bad files give one line that names the part and the value, and nothing else escapes.</summary>
[TestClass]
public sealed class BadInputTests
{
    [TestMethod]
    [DataRow("", "not JSON")]
    [DataRow("hello", "not JSON")]
    [DataRow("[1]", "an object is needed")]
    [DataRow("{}{}", "after a single JSON value")]
    [DataRow("{}", "no field 'model'")]
    [DataRow("""{"version":"2.0","model":{}}""", "version '2.0'")]
    [DataRow("""{"model":{"type":"BPE","vocab":{"\ud800":0},"merges":[]}}""", "valid Unicode")]
    public void Parse_NotATokenizer_SaysSo(string json, string expected)
        => Check(Encoding.UTF8.GetBytes(json), expected);

    [TestMethod]
    public void Parse_MergesWithoutType_IsBytePairEncoding()
    {
        TokenizerJson json = new(["a", "aa"], ["a a"]);
        json.Model.Remove("type");
        CollectionAssert.AreEqual(new[] { 1, 0 }, json.Parse().EncodeData("aaa").ToArray());
    }

    [TestMethod]
    public void Parse_AbsurdNesting_IsRefused()
    {
        Check(Encoding.UTF8.GetBytes(new string('[', 1_000_000)), "not JSON");
        string inner = """{"type":"NFC"}""";
        for (int depth = 0; depth < 100; depth++)
            inner = $$"""{"type":"Sequence","normalizers":[{{inner}}]}""";
        Check(Encoding.UTF8.GetBytes($$"""{"normalizer":{{inner}}}"""), "not JSON");
    }

    [TestMethod]
    [DataRow("normalizer", """{"type":"Nmt"}""", "normalizer 'Nmt'")]
    [DataRow("normalizer", """{"type":"Precompiled","precompiled_charsmap":""}""", "normalizer 'Precompiled'")]
    [DataRow("normalizer", """{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Odd"}]}""",
        "normalizer.normalizers[1] 'Odd'")]
    [DataRow("normalizer", """{"type":"Replace","pattern":{"Regex":"("},"content":""}""", "regular expression")]
    [DataRow("normalizer", """{"type":"Replace","pattern":{"Regex":"[a&&b]"},"content":""}""", "intersection")]
    [DataRow("normalizer", """{"type":"Replace","pattern":{"Regex":"[[:alpha:]]"},"content":""}""",
        "class inside a class")]
    [DataRow("normalizer", """{"type":"Replace","pattern":{"Regex":"\\h+"},"content":""}""", @"\h")]
    [DataRow("normalizer", """{"type":"Replace","pattern":{},"content":""}""", "neither 'String' nor 'Regex'")]
    [DataRow("normalizer", """{"type":5}""", "a string is needed")]
    [DataRow("normalizer", """{"type":"Strip","strip_left":"yes"}""", "true or false")]
    [DataRow("pre_tokenizer", """{"type":"UnicodeScripts"}""", "pre_tokenizer 'UnicodeScripts'")]
    [DataRow("pre_tokenizer", """{"type":"Split","pattern":{"String":"a"},"behavior":"Kept"}""", "'Kept'")]
    [DataRow("pre_tokenizer", """{"type":"Metaspace","replacement":"ab"}""", "replacement is 'ab'")]
    [DataRow("post_processor", """{"type":"PairProcessing"}""", "post_processor 'PairProcessing'")]
    [DataRow("post_processor", """{"type":"TemplateProcessing","single":[]}""", "the text 0 times")]
    [DataRow("post_processor", """
        {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"q"}}],"special_tokens":{}}
        """, "'q' is not in special_tokens")]
    [DataRow("post_processor", """
        {"type":"TemplateProcessing","single":[{"Sequence":{"id":"A"}},{"SpecialToken":{"id":"q"}}],
         "special_tokens":{"q":{"ids":[99]}}}
        """, "token id 99")]
    [DataRow("post_processor", """{"type":"BertProcessing","cls":["[CLS]",0],"sep":["[SEP]"]}""", "sep has 1 items")]
    [DataRow("decoder", """{"type":"CTC"}""", "decoder 'CTC'")]
    [DataRow("decoder", """{"type":"Strip","content":" ","start":-1,"stop":0}""", "start is -1")]
    [DataRow("added_tokens", """[{"id":0,"content":"x"}]""", "already belongs to 'a'")]
    [DataRow("added_tokens", """[{"id":9,"content":"a"}]""", "already has id 0")]
    [DataRow("added_tokens", """[{"id":9,"content":"x"},{"id":9,"content":"y"}]""", "already belongs to 'x'")]
    [DataRow("added_tokens", """[{"id":9,"content":""}]""", "is empty")]
    [DataRow("added_tokens", """[{"id":-1,"content":"x"}]""", "a token id from 0")]
    [DataRow("added_tokens", """{"x":1}""", "an array is needed")]
    [DataRow("model", """{"type":"Unigram","vocab":[]}""", "model 'Unigram'")]
    [DataRow("model", """{"type":"WordPiece","vocab":{}}""", "no token '[UNK]' in vocab")]
    [DataRow("model", """{"vocab":{}}""", "no field 'type'")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}""", "id 0 to 'a' and to 'b'")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0,"a":1},"merges":[]}""", "'a' twice")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":1.5},"merges":[]}""", "vocab.a is 1.5")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":2147483647},"merges":[]}""", "2147483647")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0},"merges":["a z"]}""", "merges[0] needs the token 'z'")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"]]}""", "needs the token 'ab'")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0},"merges":["a a a"]}""", "3 parts")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"u"}""", "unk_token 'u'")]
    [DataRow("model", """{"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1}""", "random merges")]
    public void Parse_BadPart_IsNamed(string part, string json, string expected)
    {
        // Text, not JSON nodes: those would drop a repeated key.
        string file = $$"""{"version":"1.0","{{part}}":{{json}}""";
        if (part != "model")
            file += ""","model":{"type":"BPE","vocab":{"a":0},"merges":[]}""";
        Check(Encoding.UTF8.GetBytes(file + "}"), expected);
    }

    [TestMethod]
    [DataRow("""{"bos_token":"nowhere"}""", "bos_token 'nowhere'")]
    [DataRow("""{"bos_token":5}""", "bos_token is a Number")]
    [DataRow("""{"add_bos_token":true}""", "bos_token is not given")]
    [DataRow("""{"added_tokens_decoder":{"x":{"content":"y"}}}""", "token id")]
    [DataRow("""{"added_tokens_decoder":{"0":{"content":"y"}}}""", "already belongs to 'a'")]
    [DataRow("[]", "an object is needed")]
    public void Parse_BadConfig_IsNamed(string config, string expected)
        => Check(TokenizerJson.OfLetters("a").ToBytes(), expected, config);

    [TestMethod]
    public void Parse_EveryTruncation_IsRefused()
    {
        byte[] whole = TokenizerJson.OfLetters("ab").Set("normalizer", """{"type":"NFC"}""").ToBytes();
        for (int length = 0; length < whole.Length; length++)
            Check(whole[..length], "tokenizer.json");
    }

    [TestMethod]
    public void Load_NoFiles_SaysWhatIsNeeded()
    {
        using var folder = new TestFolder();
        FileNotFoundException error =
            Assert.ThrowsExactly<FileNotFoundException>(() => HuggingFaceTokenizer.Load(folder.Path));
        StringAssert.Contains(error.Message, "tokenizer.json");
    }

    [TestMethod]
    public void Load_FolderOrFile_KeepsTheBytes()
    {
        using var folder = new TestFolder();
        byte[] json = TokenizerJson.OfLetters("ab").ToBytes();
        byte[] config = Encoding.UTF8.GetBytes("""{"eos_token":"b"}""");
        string file = folder.Write("tokenizer.json", json);
        folder.Write("tokenizer_config.json", config);
        foreach (string path in new[] { folder.Path, file })
        {
            HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(path);
            CollectionAssert.AreEqual(json, tokenizer.TokenizerJson.ToArray());
            CollectionAssert.AreEqual(config, tokenizer.TokenizerConfigJson.ToArray());
            Assert.AreEqual(1, tokenizer.EosTokenId);
            Assert.IsNull(tokenizer.BosTokenId);
        }
    }

    private static void Check(byte[] json, string expected, string config = "{}")
    {
        TokenizerFormatException error = Assert.ThrowsExactly<TokenizerFormatException>(
            () => HuggingFaceTokenizer.Parse(json, Encoding.UTF8.GetBytes(config)));
        StringAssert.Contains(error.Message, expected);
        Assert.IsFalse(error.Message.Contains('\n'), error.Message);
    }
}
