using System.Text.Json.Nodes;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Tests.Models.Families;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Export;

/// <summary>Folders that change while they are open, or whose parts do not belong together.</summary>
[TestClass]
public sealed class BadFolderTests
{
    private static readonly int[] s_tokens = [3, 200, 7, 7, 40];

    [TestMethod]
    public void Open_FileCutShortAfterwards_GivesOneClearError()
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("Windows does not let an open file be cut short.");
        using var folder = new TinyModel();
        using LanguageModel model = HuggingFaceModel.Open(folder.Folder);
        string weights = Path.Combine(folder.Folder, "model.safetensors");
        using (var stream = new FileStream(weights, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            stream.SetLength(stream.Length / 2);
        var e = Assert.ThrowsExactly<IOException>(() => FamilyFolder.Logits(model, s_tokens));
        StringAssert.Contains(e.Message, "model.safetensors");
        StringAssert.Contains(e.Message, "cut short");
        string saved = folder.Folder + "-saved";
        Assert.ThrowsExactly<IOException>(() => HuggingFaceModel.Save(model, saved));
        Assert.IsFalse(Directory.Exists(saved));
        CollectionAssert.AreEqual(new[] { "model" },
            Directory.GetFileSystemEntries(Path.GetDirectoryName(saved)!).Select(Path.GetFileName).ToArray());
    }

    [TestMethod]
    public void Open_FileReplacedAfterwards_KeepsReadingTheOldOne()
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("Windows does not let an open file be replaced.");
        using TinyModel folder = new(seed: 1), other = new(seed: 2);
        float[] before = OpenAndRun(folder.Folder), otherLogits = OpenAndRun(other.Folder);
        using LanguageModel open = HuggingFaceModel.Open(folder.Folder);
        File.Move(Path.Combine(other.Folder, "model.safetensors"), Path.Combine(folder.Folder, "model.safetensors"),
            overwrite: true);
        CollectionAssert.AreEqual(before, FamilyFolder.Logits(open, s_tokens));
        CollectionAssert.AreEqual(otherLogits, OpenAndRun(folder.Folder));
    }

    [TestMethod]
    public void Open_TokenizerWithMoreTokensThanTheModel_Throws()
    {
        using var folder = new TinyModel(RandomModel.Llama with { VocabularySize = 260 });
        using var small = new TinyModel(RandomModel.Llama with { VocabularySize = 259 });
        HuggingFaceModel.Open(small.Folder).Dispose();
        JsonNode tokenizer = JsonNode.Parse(TinyModel.ByteTokenizer())!;
        (tokenizer["model"]!["vocab"]!["one"], tokenizer["model"]!["vocab"]!["two"]) = (259, 260);
        File.WriteAllText(Path.Combine(folder.Folder, "tokenizer.json"), tokenizer.ToJsonString());
        var e = Assert.ThrowsExactly<ModelFormatException>(() => HuggingFaceModel.Open(folder.Folder).Dispose());
        StringAssert.Contains(e.Message, "261 tokens");
        StringAssert.Contains(e.Message, "260");
    }

    [TestMethod]
    public void Open_TensorOfAnotherShape_NamesIt()
    {
        using var folder = new TinyModel();
        string config = Path.Combine(folder.Folder, "config.json");
        File.WriteAllText(
            config, File.ReadAllText(config).Replace("\"intermediate_size\": 24", "\"intermediate_size\": 25"));
        var e = Assert.ThrowsExactly<ModelFormatException>(() => HuggingFaceModel.Open(folder.Folder).Dispose());
        StringAssert.Contains(e.Message, "'model.layers.0.mlp.gate_proj.weight'");
        StringAssert.Contains(e.Message, "[24, 16]");
        StringAssert.Contains(e.Message, "[25, 16]");
    }

    private static float[] OpenAndRun(string folder)
    {
        using LanguageModel model = HuggingFaceModel.Open(folder);
        return FamilyFolder.Logits(model, s_tokens);
    }
}
