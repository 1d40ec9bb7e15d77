using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class FolderTests
{
    private const string Index = CheckpointFiles.IndexName;

    private static readonly ArrayTensor s_a = new("a", new float[] { 1, 2 }, [2]);
    private static readonly ArrayTensor s_b = new("b", new float[] { 3 }, [1]);

    private static TestFolder WithShards(string weightMap)
    {
        var folder = new TestFolder();
        SafetensorsWriter.Write(folder["one.safetensors"], [s_a]);
        SafetensorsWriter.Write(folder["two.safetensors"], [s_b]);
        File.WriteAllText(folder[Index], weightMap);
        return folder;
    }

    [TestMethod]
    [DataRow("stories260K", 64)]
    [DataRow("docs-6m", 256)]
    public void Open_RealModel_HasConfigWeightsAndTokenizer(string model, int hiddenSize)
    {
        using HuggingFaceFolder folder = HuggingFaceFolder.Open(SharedFiles.Model(model));
        Assert.AreEqual(hiddenSize, (int)folder.Config["hidden_size"]!);
        Assert.AreEqual(hiddenSize, folder.Tensors["model.norm.weight"].Shape[0]);
        CollectionAssert.IsSubsetOf(
            new[] { "tokenizer.json", "tokenizer_config.json" }, folder.SideFiles.Keys.ToArray());
        Assert.AreEqual((byte)'{', folder.ConfigBytes.Span[0]);
    }

    [TestMethod]
    public void OpenFolder_Shards_GivesAllTensors()
    {
        using TestFolder folder = WithShards("""{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""");
        using CheckpointFiles files = CheckpointFiles.OpenFolder(folder.Path);
        CollectionAssert.AreEquivalent(new[] { "a", "b" }, files.Tensors.Keys.ToArray());
        CollectionAssert.AreEqual(new float[] { 3 }, files.Tensors["b"].ToArray());
        Assert.HasCount(2, files.Files);
    }

    [TestMethod]
    [DataRow("""{"weight_map":{"a":"two.safetensors","b":"one.safetensors"}}""", "is not there")]
    [DataRow("""{"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}}""", "'c'")]
    [DataRow("""{"weight_map":{"a":"../one.safetensors"}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":"/one.safetensors"}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":"sub\\one.safetensors"}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":".."}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":""}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":1}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":null}}""", "plain file name")]
    [DataRow("""{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}""", "JSON")]
    [DataRow("""{"weight_map":{}}""", "weight_map")]
    [DataRow("""{}""", "weight_map")]
    [DataRow("""[]""", "object")]
    [DataRow("""{"weight_map":""", "JSON")]
    [DataRow("", "JSON")]
    public void OpenFolder_BadIndex_SaysWhatIsWrong(string index, string expected)
    {
        using TestFolder folder = WithShards(index);
        CheckpointFormatException error = Assert.ThrowsExactly<CheckpointFormatException>(
            () => CheckpointFiles.OpenFolder(folder.Path).Dispose());
        StringAssert.Contains(error.Message, expected);
    }

    [TestMethod]
    public void OpenFolder_ShardMissing_NamesIt()
    {
        using TestFolder folder = WithShards("""{"weight_map":{"a":"one.safetensors","b":"three.safetensors"}}""");
        FileNotFoundException error = Assert.ThrowsExactly<FileNotFoundException>(
            () => CheckpointFiles.OpenFolder(folder.Path).Dispose());
        StringAssert.Contains(error.Message, "three.safetensors");
    }

    [TestMethod]
    public void OpenFolder_TensorInTwoShards_Throws()
    {
        using TestFolder folder = WithShards("""{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""");
        SafetensorsWriter.Write(folder["two.safetensors"], [s_b, s_a]);
        CheckpointFormatException error = Assert.ThrowsExactly<CheckpointFormatException>(
            () => CheckpointFiles.OpenFolder(folder.Path).Dispose());
        StringAssert.Contains(error.Message, "one file only");
    }

    [TestMethod]
    [DataRow("pytorch_model.bin")]
    [DataRow("pytorch_model.bin.index.json")]
    [DataRow("consolidated.00.pth")]
    public void OpenFolder_OnlyPickle_SaysToConvert(string name)
    {
        using var folder = new TestFolder();
        folder.Write(name, [1]);
        CheckpointFormatException error = Assert.ThrowsExactly<CheckpointFormatException>(
            () => CheckpointFiles.OpenFolder(folder.Path).Dispose());
        StringAssert.Contains(error.Message, "Convert the model to safetensors");
    }

    [TestMethod]
    public void Open_MissingThings_SayWhich()
    {
        using var folder = new TestFolder();
        void Fails<T>(string path, string expected)
            where T : Exception =>
            StringAssert.Contains(
                Assert.ThrowsExactly<T>(() => HuggingFaceFolder.Open(path).Dispose()).Message, expected);
        Fails<DirectoryNotFoundException>(folder["none"], "does not exist");
        Fails<FileNotFoundException>(folder.Path, "config.json");
        folder.Write("config.json", "{}"u8.ToArray());
        Fails<FileNotFoundException>(folder.Path, "model.safetensors");
        Fails<DirectoryNotFoundException>(folder["config.json"], "is a file");
        SafetensorsWriter.Write(folder["other.safetensors"], [s_a]);
        Fails<FileNotFoundException>(folder.Path, "other.safetensors");
        SafetensorsWriter.Write(folder["model.safetensors"], [s_a]);
        HuggingFaceFolder.Open(folder.Path).Dispose();
        folder.Write("config.json", "[1]"u8.ToArray());
        Fails<CheckpointFormatException>(folder.Path, "JSON object");
        folder.Write("config.json", "{\"a\":1,\"a\":2}"u8.ToArray());
        Fails<CheckpointFormatException>(folder.Path, "JSON");
        folder.Write("config.json", "{\"a\":{\"b\":1,\"b\":2}}"u8.ToArray());
        Fails<CheckpointFormatException>(folder.Path, "JSON");
        folder.Write("config.json", Encoding.UTF8.GetBytes(new string('[', 10_000)));
        Fails<CheckpointFormatException>(folder.Path, "JSON");
        folder.Write("config.json", new byte[(16 << 20) + 1]);
        Fails<CheckpointFormatException>(folder.Path, "16777216");
    }

    [TestMethod]
    [DataRow(long.MaxValue, 1)]
    [DataRow(8L, 3)]
    [DataRow(1L, 3)]
    [DataRow(12L, 2)]
    public void Write_ThenOpen_GivesTheSame(long maxShardBytes, int files)
    {
        using var folder = new TestFolder();
        var c = new ArrayTensor("c", new float[] { 4, 5, 6 }, [3]);
        var sideFiles = new Dictionary<string, byte[]> { ["tokenizer.json"] = [7] };
        HuggingFaceFolderWriter.Write(
            folder["out"], """{"x":1}""", [s_a, s_b, c], sideFiles, maxShardBytes: maxShardBytes);
        using HuggingFaceFolder read = HuggingFaceFolder.Open(folder["out"]);
        Assert.HasCount(files, read.Weights.Files);
        Assert.IsTrue(read.Weights.Files.All(f => f.Metadata["format"] == "pt"));
        Assert.AreEqual(1, (int)read.Config["x"]!);
        CollectionAssert.AreEqual(new byte[] { 7 }, read.SideFiles["tokenizer.json"]);
        foreach (ArrayTensor tensor in (ArrayTensor[])[s_a, s_b, c])
            CollectionAssert.AreEqual(tensor.ToArray(), read.Tensors[tensor.Name].ToArray());
        CollectionAssert.AreEqual(new[] { "out" }, folder.Names);
        if (files > 1)
        {
            Assert.AreEqual($"model-00001-of-{files:D5}.safetensors",
                Path.GetFileName(read.Tensors["a"] is MappedTensor a ? a.File.Path : ""));
            JsonNode index = JsonNode.Parse(File.ReadAllBytes(Path.Combine(folder["out"], Index)))!;
            Assert.AreEqual(24, (int)index["metadata"]!["total_size"]!);
        }
    }

    [TestMethod]
    public void Write_FailsHalfWay_LeavesNothing()
    {
        using var folder = new TestFolder();
        SafetensorsFile closed = SafetensorsWriter.WriteTemporary(folder.Path, [s_a]);
        closed.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(
            () => HuggingFaceFolderWriter.Write(folder["out"], "{}", [s_b, closed.Tensors["a"]]));
        Assert.ThrowsExactly<ArgumentException>(() => HuggingFaceFolderWriter.Write(folder["out"], "{}", [s_a, s_a]));
        foreach (string name in (string[])["../x", "config.json", "a/b", "..", ""])
        {
            var files = new Dictionary<string, byte[]> { [name] = [1] };
            Assert.ThrowsExactly<ArgumentException>(
                () => HuggingFaceFolderWriter.Write(folder["out"], "{}", [s_a], files));
        }
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void OutputFolder_ExistingTarget_IsReplacedOnlyOnRequest()
    {
        using var folder = new TestFolder();
        HuggingFaceFolderWriter.Write(folder["out"], "{}", [s_a]);
        File.WriteAllText(Path.Combine(folder["out"], "old.txt"), "");
        Assert.ThrowsExactly<IOException>(() => HuggingFaceFolderWriter.Write(folder["out"], "{}", [s_b]));
        HuggingFaceFolderWriter.Write(folder["out"], "{}", [s_b], overwrite: true);
        using (HuggingFaceFolder read = HuggingFaceFolder.Open(folder["out"]))
            CollectionAssert.AreEqual(new[] { "b" }, read.Tensors.Keys.ToArray());
        Assert.IsFalse(File.Exists(Path.Combine(folder["out"], "old.txt")));
        CollectionAssert.AreEqual(new[] { "out" }, folder.Names);
    }

    [TestMethod]
    public void OutputFolder_NotAModel_IsNeverReplaced()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder["home"]);
        File.WriteAllText(Path.Combine(folder["home"], "diary.txt"), "dear");
        Assert.ThrowsExactly<IOException>(() => new OutputFolder(folder["home"], overwrite: true));
        folder.Write("file", [1]);
        Assert.ThrowsExactly<IOException>(() => new OutputFolder(folder["file"], overwrite: true));
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => new OutputFolder(Path.Combine(folder["no"], "out")));
        Assert.ThrowsExactly<ArgumentException>(() => new OutputFolder(Path.GetPathRoot(folder.Path)!));
        CollectionAssert.AreEqual(new[] { "file", "home" }, folder.Names);
    }

    [TestMethod]
    public void OutputFolder_EmptyTarget_IsFilled()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder["out"]);
        using (var output = new OutputFolder(folder["out"] + Path.DirectorySeparatorChar))
        {
            File.WriteAllText(output.PathOf("x"), "");
            Assert.IsEmpty(Directory.GetFiles(folder["out"]));
            output.Commit();
            Assert.ThrowsExactly<ObjectDisposedException>(output.Commit);
        }
        Assert.IsTrue(File.Exists(Path.Combine(folder["out"], "x")));
        CollectionAssert.AreEqual(new[] { "out" }, folder.Names);
    }

    [TestMethod]
    public void AtomicFile_WithoutCommit_LeavesTheOldFile()
    {
        using var folder = new TestFolder();
        folder.Write("f", [1]);
        using (var file = new AtomicFile(folder["f"]))
            file.Stream.WriteByte(2);
        CollectionAssert.AreEqual(new byte[] { 1 }, File.ReadAllBytes(folder["f"]));
        Assert.ThrowsExactly<IOException>(() => new AtomicFile(folder["f"], overwrite: false));
        Assert.ThrowsExactly<IOException>(() => new AtomicFile(folder.Path));
        AtomicFile.WriteAllBytes(folder["f"], [3]);
        CollectionAssert.AreEqual(new byte[] { 3 }, File.ReadAllBytes(folder["f"]));
        CollectionAssert.AreEqual(new[] { "f" }, folder.Names);
    }
}
