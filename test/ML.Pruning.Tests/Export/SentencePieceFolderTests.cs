using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using ML.Pruning.Tests.Tokenization;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Export;

/// <summary>A folder that has a SentencePiece tokenizer.model and no tokenizer.json.</summary>
[TestClass]
public sealed class SentencePieceFolderTests
{
    [TestMethod]
    public void Open_OnlyTokenizerModel_TokenizesAlike_AlsoFromAZip()
    {
        string source = SharedFiles.Model("stories260K");
        using var folder = new TestFolder();
        foreach (string name in new[] { "config.json", "model.safetensors", "tokenizer_config.json" })
            File.Copy(Path.Combine(source, name), folder[name]);
        folder.Write("tokenizer.model",
            SentencePieceTests.FromTokenizerJson(File.ReadAllBytes(Path.Combine(source, "tokenizer.json"))));

        using LanguageModel expected = HuggingFaceModel.Open(source);
        using LanguageModel model = HuggingFaceModel.Open(folder.Path);
        LanguageModelZip.Save(model, folder["model.zip"]);
        using LanguageModel zipped = LanguageModelSource.Open(folder["model.zip"]);
        foreach (string text in SharedFiles.Documents("stories.valid.jsonl").Take(20))
        {
            int[] tokens = [.. expected.RequireTokenizer().EncodeData(text)];
            CollectionAssert.AreEqual(tokens, model.RequireTokenizer().EncodeData(text).ToArray());
            CollectionAssert.AreEqual(tokens, zipped.RequireTokenizer().EncodeData(text).ToArray());
        }
    }
}
