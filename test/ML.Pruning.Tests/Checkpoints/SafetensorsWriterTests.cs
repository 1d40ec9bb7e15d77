using System.Text;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class SafetensorsWriterTests
{
    public static IEnumerable<object[]> AllTypes => Enum.GetValues<TensorType>().Select(t => new object[] { t });

    [TestMethod]
    [DynamicData(nameof(AllTypes))]
    public void Write_ThenOpen_KeepsEveryByte(TensorType type)
    {
        using var folder = new TestFolder();
        byte[] bytes = new byte[16 * type.BitsPerElement() / 8];
        new Random(1).NextBytes(bytes);
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["ключ \"\n"] = "" };
        StoredTensor[] tensors =
            [new BytesTensor("x", bytes, [2, 8], type), new BytesTensor("empty", default, [0, 7], type)];

        SafetensorsWriter.Write(folder["m"], tensors, metadata);

        using SafetensorsFile file = SafetensorsFile.Open(folder["m"]);
        Assert.AreEqual(type, file.Tensors["x"].Type);
        byte[] read = new byte[bytes.Length];
        file.Tensors["x"].ReadBytes(0, read);
        CollectionAssert.AreEqual(bytes, read);
        Assert.IsEmpty(file.Tensors["empty"].Type.IsConvertible() ? file.Tensors["empty"].ToArray() : []);
        CollectionAssert.AreEquivalent(metadata.ToArray(), file.Metadata.ToArray());
        Assert.AreEqual(new FileInfo(folder["m"]).Length, SafetensorsWriter.FileLength(tensors, metadata));
    }

    [TestMethod]
    public void Write_AnyTensors_AlignsDataAndKeepsOrder()
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream,
            [new ArrayTensor("b", new float[] { 1, 2 }, [2]), new ArrayTensor("a", new float[] { 3 }, [])]);
        byte[] content = stream.ToArray();
        long headerLength = BitConverter.ToInt64(content);
        Assert.AreEqual(0, headerLength % 8);
        Assert.AreEqual("""{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"""
            + ""","a":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}""",
            Encoding.UTF8.GetString(content, 8, (int)headerLength).TrimEnd(' '));
        Assert.AreEqual(3f, BitConverter.ToSingle(content, content.Length - 4));
    }

    [TestMethod]
    public void Write_SourceFailsHalfWay_LeavesTheOldFile()
    {
        using var folder = new TestFolder();
        SafetensorsWriter.Write(folder["source"], [new ArrayTensor("a", new float[1000], [1000])]);
        folder.Write("target", [1, 2, 3]);
        SafetensorsFile source = SafetensorsFile.Open(folder["source"]);
        StoredTensor[] tensors = [new ArrayTensor("first", new float[10], [10]), source.Tensors["a"]];
        source.Dispose();

        Assert.ThrowsExactly<ObjectDisposedException>(() => SafetensorsWriter.Write(folder["target"], tensors));
        Assert.ThrowsExactly<ObjectDisposedException>(() => SafetensorsWriter.WriteTemporary(folder.Path, tensors));

        CollectionAssert.AreEqual(new[] { "source", "target" }, folder.Names);
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, File.ReadAllBytes(folder["target"]));
    }

    [TestMethod]
    public void Write_Cancelled_LeavesNothing()
    {
        using var folder = new TestFolder();
        var cancelled = new CancellationToken(canceled: true);
        Assert.ThrowsExactly<OperationCanceledException>(() => SafetensorsWriter.Write(
            folder["m"], [new ArrayTensor("a", new float[1], [1])], cancellationToken: cancelled));
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    [DataRow("a")]
    [DataRow("__metadata__")]
    public void Write_NameTaken_Throws(string name)
    {
        using var stream = new MemoryStream();
        var a = new ArrayTensor("a", new float[1], [1]);
        ArgumentException error =
            Assert.ThrowsExactly<ArgumentException>(() => SafetensorsWriter.Write(stream, [a, a.Renamed(name)]));
        StringAssert.Contains(error.Message, name);
    }

    [TestMethod]
    public void Write_FolderMissing_SaysSo()
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder["nowhere"], "m");
        DirectoryNotFoundException error =
            Assert.ThrowsExactly<DirectoryNotFoundException>(() => SafetensorsWriter.Write(path, []));
        StringAssert.Contains(error.Message, "nowhere");
    }

    [TestMethod]
    public void WriteTemporary_AfterDispose_LeavesNothing()
    {
        using var folder = new TestFolder();
        using (SafetensorsFile file = SafetensorsWriter.WriteTemporary(
            folder.Path, [new ArrayTensor("a", new float[] { 1, 2 }, [2], TensorType.BF16)]))
        {
            CollectionAssert.AreEqual(new float[] { 1, 2 }, file.Tensors["a"].ToArray());
        }
        Assert.IsEmpty(folder.Names);
    }
}
