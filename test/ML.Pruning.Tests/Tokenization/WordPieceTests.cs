using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.Tokenization;

/// <summary>Golden: the vocabulary, texts and tokens of the tests that the authors of BERT publish with it (Devlin et
/// al. 2018, arXiv:1810.04805); more texts were worked out by hand.</summary>
[TestClass]
public sealed class WordPieceTests
{
    private static readonly string[] s_vocabulary =
        ["[UNK]", "[CLS]", "[SEP]", "want", "##want", "##ed", "wa", "un", "runn", "##ing", ","];

    [TestMethod]
    [DataRow("UNwant\u00E9d,running", new[] { 7, 4, 5, 10, 8, 9 })]
    [DataRow("unwantedX running", new[] { 0, 8, 9 })]
    [DataRow("", new int[0])]
    [DataRow("want  \t\nwa\u0000nt\u200Bed", new[] { 3, 3, 5 })]
    [DataRow("un\u5F20want", new[] { 7, 0, 3 })]
    [DataRow("[CLS] want", new[] { 0, 0, 0, 3 })]
    public void EncodeData_PublishedVocabulary_GivesThePublishedTokens(string text, int[] expected)
    {
        int[] ids = [.. Tokenizer(VocabularyFile()).EncodeData(text)];
        CollectionAssert.AreEqual(expected, ids, string.Join(' ', ids));
    }

    [TestMethod]
    [DataRow("{}", " \tHeLLo!how  \n Are yoU?  ", "hello ! how are you ?")]
    [DataRow("{}", "H\u00E9llo", "hello")]
    [DataRow("{ \"do_lower_case\": false }", " \tHeLLo!how  \n Are yoU?  ", "HeLLo ! how Are yoU ?")]
    [DataRow("{ \"do_lower_case\": false }", "H\u00E9llo", "H\u00E9llo")]
    [DataRow("{ \"do_lower_case\": false, \"strip_accents\": true }", "H\u00E9llo", "Hello")]
    [DataRow("{ \"strip_accents\": false }", "H\u00E9llo", "h\u00E9llo")]
    [DataRow("{}", "ah\u535A\u63A8zz", "ah \u535A \u63A8 zz")]
    [DataRow("{ \"tokenize_chinese_chars\": false }", "ah\u535A\u63A8zz", "ah\u535A\u63A8zz")]
    [DataRow("{}", "a\u00ADb\uE000c $1~2\u2019s", "abc $ 1 ~ 2 \u2019 s")]
    public void PreTokenize_NormalizedText_GivesTheWords(string config, string text, string words)
    {
        HuggingFaceTokenizer tokenizer = Tokenizer(VocabularyFile(), config);
        string normalized = tokenizer.Normalizer!.Normalize(text);
        Assert.AreEqual(words, string.Join(' ', tokenizer.PreTokenizer!.PreTokenize(normalized)
            .Select(part => normalized.Substring(part.Offset, part.Length))));
    }

    [TestMethod]
    public void EncodeWhole_LongText_IsCutBetweenTheSpecialTokens()
    {
        HuggingFaceTokenizer tokenizer = Tokenizer(VocabularyFile());
        (IReadOnlyList<int> ids, int cut) = tokenizer.EncodeWhole("running, wanted", 20);
        CollectionAssert.AreEqual(new[] { 1, 8, 9, 10, 3, 5, 2 }, ids.ToArray());
        Assert.AreEqual(0, cut);
        (ids, cut) = tokenizer.EncodeWhole("running, wanted", 4);
        CollectionAssert.AreEqual(new[] { 1, 8, 9, 2 }, ids.ToArray());
        Assert.AreEqual(3, cut);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => tokenizer.EncodeWhole("want", 1));
    }

    [TestMethod]
    public void DecodeTokens_WordsAndContinuations_AreJoinedAndCleaned()
    {
        HuggingFaceTokenizer tokenizer = Tokenizer(VocabularyFile());
        Assert.AreEqual("unwanted, running", tokenizer.DecodeTokens([1, 7, 4, 5, 10, 8, 9, 2]));
    }

    [TestMethod]
    public void Parse_RobertaProcessingAndLongWords_FollowTheFile()
    {
        TokenizerJson json = new TokenizerJson(["<unk>", "<s>", "</s>", "a", "++a"], [])
            .Set("post_processor", """{ "type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1] }""")
            .Set("normalizer", """{ "type": "BertNormalizer", "lowercase": true, "strip_accents": null }""")
            .Set("pre_tokenizer", """{ "type": "BertPreTokenizer" }""");
        JsonNode vocabulary = json.Model["vocab"]!.DeepClone();
        json.Set("model", """
            { "type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "++",
              "max_input_chars_per_word": 3 }
            """).Model["vocab"] = vocabulary;
        HuggingFaceTokenizer tokenizer = json.Parse("""{ "mask_token": "++a" }""");
        CollectionAssert.AreEqual(new[] { 1, 3, 4, 4, 0, 0, 2 }, tokenizer.EncodeWhole("A\u0301aa aaaa b", 9).Ids.ToArray());
        Assert.AreEqual(4, tokenizer.MaskTokenId);
    }

    [TestMethod]
    public void Load_VocabularyAlone_IsReadAndNamesTheMask()
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["vocab.txt"], VocabularyFile() + "[MASK]\n");
        HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(Path.GetDirectoryName(folder["vocab.txt"])!);
        CollectionAssert.AreEqual(new[] { 7, 4, 5 }, tokenizer.EncodeData("unwanted").ToArray());
        Assert.AreEqual(11, tokenizer.MaskTokenId);
        CollectionAssert.AreEqual(new[] { 3, 11 }, tokenizer.EncodePrompt("want [MASK]").ToArray());
    }

    [TestMethod]
    [DataRow("[UNK]\n[CLS]\n", "no line '[SEP]'")]
    [DataRow("[UNK]\n[CLS]\n[SEP]\na\na\n", "line 5 repeats 'a'")]
    public void Load_IncompleteVocabulary_SaysWhatIsMissing(string vocabulary, string expected)
    {
        string message = Assert.ThrowsExactly<TokenizerFormatException>(() => Tokenizer(vocabulary)).Message;
        StringAssert.Contains(message, expected);
    }

    private static string VocabularyFile() => string.Concat(s_vocabulary.Select(token => token + "\n"));

    private static HuggingFaceTokenizer Tokenizer(string vocabulary, string config = "{}") =>
        TokenizerFiles.ParseWordPiece(Encoding.UTF8.GetBytes(vocabulary), Encoding.UTF8.GetBytes(config));
}
