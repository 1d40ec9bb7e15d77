using System.Diagnostics;
using System.Text.Json;
using ML.Pruning.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class SafetensorsFileTests
{
    private const string OneTensor = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    private static string Header(string type, long count, long bytes) =>
        $"{{\"a\":{{\"dtype\":\"{type}\",\"shape\":[{count}],\"data_offsets\":[0,{bytes}]}}}}";

    [TestMethod]
    [DataRow("stories260K")]
    [DataRow("docs-6m")]
    public void Open_RealModel_AgreesWithIndependentParse(string model)
    {
        string path = Path.Combine(SharedFiles.Model(model), "model.safetensors");
        using var reader = new BinaryReader(File.OpenRead(path));
        long headerLength = reader.ReadInt64();
        using JsonDocument header = JsonDocument.Parse(reader.ReadBytes((int)headerLength));

        using SafetensorsFile file = SafetensorsFile.Open(path);

        int count = 0;
        foreach (JsonProperty entry in header.RootElement.EnumerateObject().Where(p => p.Name != "__metadata__"))
        {
            count++;
            MappedTensor tensor = file.Tensors[entry.Name];
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
            CollectionAssert.AreEqual(shape, tensor.Shape.ToArray());
            Assert.AreEqual(entry.Value.GetProperty("dtype").GetString(), tensor.Type.Name());
            float[] values = tensor.ToArray();
            reader.BaseStream.Position = 8 + headerLength + entry.Value.GetProperty("data_offsets")[0].GetInt64();
            for (int i = 0; i < values.Length; i++)
            {
                float expected = tensor.Type == TensorType.F32 ? reader.ReadSingle() : (float)reader.ReadHalf();
                if (expected != values[i])
                    Assert.Fail($"{entry.Name}[{i}] is {values[i]}, not {expected}.");
            }
        }
        Assert.HasCount(count, file.Tensors);
        Assert.AreEqual("pt", file.Metadata["format"]);
    }

    [TestMethod]
    public void Open_EmptyModel_HasNoTensors()
    {
        using var folder = new TestFolder();
        using SafetensorsFile file = SafetensorsFile.Open(folder.WriteSafetensors("m", "{}", 0));
        Assert.IsEmpty(file.Tensors);
    }

    [TestMethod]
    public void Open_UnorderedUnalignedHeader_ReadsEachTensor()
    {
        const string Header = """
            {"b":{"dtype":"F32","shape":[],"data_offsets":[3,7]},
             "a":{"x":[1],"shape":[3],"dtype":"U8","data_offsets":[0,3]}}
            """;
        using var folder = new TestFolder();
        byte[] content = TestFolder.Safetensors(Header, [1, 2, 255, .. BitConverter.GetBytes(1.5f)]);
        using SafetensorsFile file = SafetensorsFile.Open(folder.Write("m", content));
        CollectionAssert.AreEqual(new[] { 1f, 2f, 255f }, file.Tensors["a"].ToArray());
        CollectionAssert.AreEqual(new[] { 1.5f }, file.Tensors["b"].ToArray());
        CollectionAssert.AreEqual(new[] { "a", "b" }, file.Tensors.Keys.ToArray());
    }

    [TestMethod]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        7, "at most at 7", DisplayName = "truncated")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""",
        9, "9 bytes of data", DisplayName = "trailing")]
    [DataRow("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "begin at 0", DisplayName = "start")]
    [DataRow("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}""" +
        ""","b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}""",
        3, "'b'", DisplayName = "overlap")]
    [DataRow("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}""" +
        ""","b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}""",
        5, "begin at 2", DisplayName = "hole")]
    [DataRow("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}}""", 2, "[2, 0]", DisplayName = "reversed")]
    [DataRow("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""",
        8, "takes 12 bytes", DisplayName = "lying shape")]
    [DataRow("""{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "no possible",
        DisplayName = "product overflows to 0")]
    [DataRow("""{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}""", 0, "no possible",
        DisplayName = "bytes overflow to 0")]
    [DataRow("""{"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}""",
        2, "no possible", DisplayName = "half a byte")]
    [DataRow("""{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}""", 0, "shape", DisplayName = "negative")]
    [DataRow("""{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}""", 1, "shape", DisplayName = "fraction")]
    [DataRow("""{"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,1]}}""",
        1, "shape", DisplayName = "huge")]
    [DataRow("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}""" +
        ""","a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""",
        2, "twice", DisplayName = "duplicate name")]
    [DataRow("""{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}""",
        1, "twice", DisplayName = "duplicate key")]
    [DataRow("""{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,1]}}""", 1, "'F31'", DisplayName = "unknown dtype")]
    [DataRow("""{"a":{"dtype":"bf16","shape":[1],"data_offsets":[0,2]}}""", 2, "'bf16'", DisplayName = "case of dtype")]
    [DataRow("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,1]}}""", 1, "dtype", DisplayName = "dtype not text")]
    [DataRow("""{"a":{"dtype":"U8","shape":[1]}}""", 0, "lacks", DisplayName = "missing key")]
    [DataRow("""{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}""",
        1, "3 data_offsets", DisplayName = "three offsets")]
    [DataRow("""{"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}}""",
        1, "not a list", DisplayName = "shape not a list")]
    [DataRow("""{"a":1}""", 0, "'a'", DisplayName = "entry not an object")]
    [DataRow("""{"__metadata__":{"format":1}}""", 0, "format", DisplayName = "metadata not text")]
    [DataRow("""{"__metadata__":{"k":"1","k":"2"}}""", 0, "twice", DisplayName = "duplicate metadata")]
    [DataRow("""["a"]""", 0, "'{'", DisplayName = "not an object")]
    [DataRow("""{"a":""", 0, "JSON", DisplayName = "JSON cut short")]
    [DataRow("""{} {}""", 0, "JSON", DisplayName = "second value")]
    [DataRow("""{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""",
        0, "JSON", DisplayName = "half a surrogate pair")]
    [DataRow(" {}", 0, "'{'", DisplayName = "leading space")]
    public void Open_BrokenRule_SaysWhatIsWrong(string header, int dataLength, string expected)
    {
        using var folder = new TestFolder();
        string path = folder.WriteSafetensors("broken.safetensors", header, dataLength);
        CheckpointFormatException error =
            Assert.ThrowsExactly<CheckpointFormatException>(() => SafetensorsFile.Open(path).Dispose());
        StringAssert.Contains(error.Message, expected);
        StringAssert.Contains(error.Message, "broken.safetensors");
        Assert.DoesNotContain("\n", error.Message);
    }

    [TestMethod]
    [DataRow(new byte[0], DisplayName = "zero length")]
    [DataRow(new byte[] { 2, 0, 0, 0, 0, 0, 0 }, DisplayName = "seven bytes")]
    [DataRow(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 }, DisplayName = "no header")]
    [DataRow(new byte[] { 3, 0, 0, 0, 0, 0, 0, 0, 123, 125 }, DisplayName = "header beyond the end")]
    [DataRow(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 123, 125 }, DisplayName = "greatest length")]
    [DataRow(new byte[] { 249, 255, 255, 255, 255, 255, 255, 255, 123, 125 }, DisplayName = "length that wraps")]
    [DataRow(new byte[] { 6, 0, 0, 0, 0, 0, 0, 0, 123, 34, 255, 34, 58, 125 }, DisplayName = "not UTF-8")]
    public void Open_BrokenBytes_Throws(byte[] content)
    {
        using var folder = new TestFolder();
        string path = folder.Write("m", content);
        Assert.ThrowsExactly<CheckpointFormatException>(() => SafetensorsFile.Open(path).Dispose());
    }

    [TestMethod]
    public void Open_HeaderOverLimit_Throws()
    {
        using var folder = new TestFolder();
        using (FileStream stream = File.Create(folder["m"]))
        {
            stream.Write(BitConverter.GetBytes(100_000_001L));
            stream.Write("{}"u8);
            stream.SetLength(8 + 100_000_001L);
        }
        CheckpointFormatException error =
            Assert.ThrowsExactly<CheckpointFormatException>(() => SafetensorsFile.Open(folder["m"]).Dispose());
        StringAssert.Contains(error.Message, "[2, 100000000]");
    }

    [TestMethod]
    public void Open_MissingFile_ThrowsFileNotFound()
    {
        using var folder = new TestFolder();
        Assert.ThrowsExactly<FileNotFoundException>(() => SafetensorsFile.Open(folder["m"]).Dispose());
    }

    [TestMethod]
    public void Open_BeyondTwoGigabytes_ReadsTheEnd()
    {
        const long Count = 3L << 30;
        using var folder = new TestFolder();
        string header = Header("U8", Count, Count);
        string path = folder.WriteSafetensors("sparse", header, 0);
        using (FileStream stream = File.OpenWrite(path))
        {
            stream.SetLength(8 + header.Length + Count);
            stream.Seek(-1, SeekOrigin.End);
            stream.WriteByte(42);
        }
        using SafetensorsFile file = SafetensorsFile.Open(path);
        float[] last = new float[2];
        file.Tensors["a"].Read(Count - 2, last);
        CollectionAssert.AreEqual(new[] { 0f, 42f }, last);
        Assert.ThrowsExactly<ArgumentException>(file.Tensors["a"].ToArray);
    }

    [TestMethod]
    public void Read_AfterDispose_Throws()
    {
        using var folder = new TestFolder();
        SafetensorsFile file = SafetensorsFile.Open(folder.WriteSafetensors("m", OneTensor, 8));
        MappedTensor tensor = file.Tensors["a"];
        file.Dispose();
        file.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(tensor.ToArray);
        Assert.ThrowsExactly<ObjectDisposedException>(() => tensor.ReadBytes(0, new byte[1]));
        Assert.ThrowsExactly<ObjectDisposedException>(() => file.AddReference());
    }

    [TestMethod]
    public void Read_FileCutShortWhileOpen_ThrowsInsteadOfFaulting()
    {
        if (OperatingSystem.IsWindows())
            Assert.Inconclusive("Windows does not let an open file be cut short.");
        using var folder = new TestFolder();
        string path = folder.WriteSafetensors("m", OneTensor, 8);
        using SafetensorsFile file = SafetensorsFile.Open(path);
        using (var stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            stream.SetLength(10);
        IOException error = Assert.ThrowsExactly<IOException>(file.Tensors["a"].ToArray);
        StringAssert.Contains(error.Message, "cut short");
    }

    [TestMethod]
    public void Dispose_WithReferenceLeft_KeepsTheFileOpen()
    {
        using var folder = new TestFolder();
        SafetensorsFile file = SafetensorsFile.Open(folder.WriteSafetensors("m", OneTensor, 8));
        file.AddReference();
        file.Dispose();
        Assert.HasCount(2, file.Tensors["a"].ToArray());
        file.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(file.Tensors["a"].ToArray);
    }

    [TestMethod]
    public void Open_DeleteOnClose_LeavesNoFile()
    {
        using var folder = new TestFolder();
        SafetensorsFile file = SafetensorsFile.Open(folder.WriteSafetensors("m", OneTensor, 8), deleteOnClose: true);
        Assert.HasCount(2, file.Tensors["a"].ToArray());
        file.Dispose();
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Read_WhileAnotherThreadDisposes_NeverFaults()
    {
        using var folder = new TestFolder();
        const int Count = 1 << 16;
        string header = Header("BF16", Count, 2 * Count);
        string path = folder.WriteSafetensors("m", header, 2 * Count);
        for (int round = 0; round < 20; round++)
        {
            SafetensorsFile file = SafetensorsFile.Open(path);
            MappedTensor tensor = file.Tensors["a"];
            using var started = new CountdownEvent(2);
            Task[] readers = [.. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(() =>
            {
                float[] values = new float[Count];
                tensor.Read(0, values);
                started.Signal();
                for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(30);)
                    tensor.Read(0, values);
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
            started.Wait();
            file.Dispose();
            AggregateException error = Assert.ThrowsExactly<AggregateException>(() => Task.WaitAll(readers));
            Assert.IsTrue(error.InnerExceptions.All(e => e is ObjectDisposedException));
        }
    }

    [TestMethod]
    public void Read_FromManyThreads_GivesTheSame()
    {
        using var folder = new TestFolder();
        float[] values = [.. Enumerable.Range(0, 100_000).Select(i => (float)i)];
        SafetensorsWriter.Write(folder["m"], [new ArrayTensor("a", values, [values.Length])]);
        using SafetensorsFile file = SafetensorsFile.Open(folder["m"]);
        Parallel.For(0, 64, i =>
        {
            float[] read = new float[1000];
            file.Tensors["a"].Read(i * 1000, read);
            Assert.IsTrue(values.AsSpan(i * 1000, 1000).SequenceEqual(read));
        });
    }
}
