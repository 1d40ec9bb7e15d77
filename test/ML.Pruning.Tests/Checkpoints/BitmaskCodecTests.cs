using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class BitmaskCodecTests
{
    private const int ManyRows = 300;
    private const int ManyColumns = 1001;

    private static byte[] Bytes(StoredTensor tensor)
    {
        using var stream = new MemoryStream();
        tensor.CopyTo(stream);
        return stream.ToArray();
    }

    private static BytesTensor Random(TensorType type, long[] shape, double zeros, int seed)
    {
        var random = new Random(seed);
        int size = type.BitsPerElement() / 8;
        byte[] bytes = new byte[shape.Aggregate((a, b) => a * b) * size];
        for (int i = 0; i < bytes.Length; i += size)
        {
            if (random.NextDouble() >= zeros)
                random.NextBytes(bytes.AsSpan(i, size));
        }
        return new BytesTensor("w", bytes, shape, type);
    }

    [TestMethod]
    public void Compress_SmallMatrix_HasTheKnownLayout()
    {
        // Rows of 9 columns: two mask bytes each, lowest bit first; the second row is empty; -0 is kept.
        float[] values = new float[90];
        (values[0], values[3], values[8]) = (1, 2, 3);
        (values[18], values[26]) = (-0f, 5);
        IReadOnlyList<StoredTensor> parts = BitmaskCodec.Compress(new ArrayTensor("w", values, [10, 9]));
        CollectionAssert.AreEqual(
            new[] { "w.shape", "w.compressed", "w.bitmask", "w.row_offsets" }, parts.Select(p => p.Name).ToArray());
        CollectionAssert.AreEqual(new float[] { 10, 9 }, parts[0].ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 2, 3, -0f, 5 }, parts[1].ToArray());
        CollectionAssert.AreEqual(new byte[] { 0b1001, 1, 0, 0, 1, 1, 0 }, Bytes(parts[2])[..7]);
        CollectionAssert.AreEqual(new float[] { 0, 3, 3, 5, 5, 5, 5, 5, 5, 5 }, parts[3].ToArray());
        CollectionAssert.AreEqual(new long[] { 10, 2 }, parts[2].Shape.ToArray());
        Assert.IsTrue(parts is [{ Type: TensorType.I64 }, { Type: TensorType.F32 }, { Type: TensorType.U8 },
            { Type: TensorType.I64 }]);
    }

    [TestMethod]
    [DataRow(TensorType.F32, new long[] { 64, 64 }, 0.5)]
    [DataRow(TensorType.BF16, new long[] { 70, 129 }, 0.6)]
    [DataRow(TensorType.F16, new long[] { 33, 1000 }, 1.0)]
    [DataRow(TensorType.F64, new long[] { 17, 23 }, 0.9)]
    [DataRow(TensorType.I8, new long[] { 5, 4000 }, 0.5)]
    [DataRow(TensorType.F32, new long[] { 12, 5, 31 }, 0.7)]
    [DataRow(TensorType.F32, new long[] { 2, 40_000 }, 0.5)]
    [DataRow(TensorType.BF16, new long[] { ManyRows, ManyColumns }, 0.99)]
    public void Compress_ThenRead_GivesTheSameBytes(TensorType type, long[] shape, double zeros)
    {
        BytesTensor dense = Random(type, shape, zeros, 11);
        using var folder = new TestFolder();
        SafetensorsWriter.Write(folder["m"], BitmaskCodec.CompressAll([dense, dense.Renamed("v")]));
        using SafetensorsFile file = SafetensorsFile.Open(folder["m"]);
        Assert.HasCount(8, file.Tensors);

        IReadOnlyDictionary<string, StoredTensor> read = CompressedCheckpoint.Read(file.Tensors);

        CollectionAssert.AreEqual(new[] { "w", "v" }, read.Keys.ToArray());
        Assert.AreEqual(type, read["w"].Type);
        CollectionAssert.AreEqual(shape, read["w"].Shape.ToArray());
        byte[] expected = Bytes(dense);
        Assert.IsTrue(expected.AsSpan().SequenceEqual(Bytes(read["w"])));
        var random = new Random(5);
        for (int i = 0; i < 200; i++)
        {
            int start = random.Next(expected.Length);
            byte[] piece = new byte[random.Next(Math.Min(40, expected.Length - start + 1))];
            read["w"].ReadBytes(start, piece);
            Assert.IsTrue(expected.AsSpan(start, piece.Length).SequenceEqual(piece), $"{start}, {piece.Length}");
        }
    }

    [TestMethod]
    public void ReadBytes_PiecesOfCompressedParts_AgreeWithTheWhole()
    {
        foreach (StoredTensor part in BitmaskCodec.Compress(Random(TensorType.BF16, [ManyRows, ManyColumns], 0.7, 3)))
        {
            byte[] whole = Bytes(part);
            var random = new Random(4);
            for (int i = 0; i < 40; i++)
            {
                int start = random.Next(whole.Length);
                byte[] piece = new byte[random.Next(whole.Length - start + 1)];
                part.ReadBytes(start, piece);
                Assert.IsTrue(whole.AsSpan(start, piece.Length).SequenceEqual(piece), part.Name);
            }
        }
    }

    [TestMethod]
    public void Compress_NotSmaller_StaysDense()
    {
        StoredTensor[] tensors =
        [
            Random(TensorType.F32, [64, 64], 0.0, 1), // dense
            Random(TensorType.I8, [64, 64], 0.1, 1), // the mask outweighs the zeros
            new ArrayTensor("v", new float[4096], [4096]), // one dimension
            new ArrayTensor("s", new float[1], []),
            new ArrayTensor("e", new float[0], [0, 8]),
            new ArrayTensor("thin", new float[1000], [1000, 1]), // row offsets outweigh it
            new BytesTensor("p", new byte[512], [32, 32], TensorType.F4),
        ];
        foreach (StoredTensor tensor in tensors)
            Assert.AreSame(tensor, BitmaskCodec.Compress(tensor).Single());
    }

    [TestMethod]
    public void Compress_HalfZeros_HasTheSizeOfTheFormula()
    {
        BytesTensor dense = Random(TensorType.F32, [256, 256], 0.5, 2);
        IReadOnlyList<StoredTensor> parts = BitmaskCodec.Compress(dense);
        int kept = dense.ToArray().Count(x => BitConverter.SingleToInt32Bits(x) != 0);
        Assert.AreEqual((4 * kept) + (256 * 256 / 8) + (8 * 256) + (8 * 2), parts.Sum(p => p.ByteLength));
    }

    [TestMethod]
    public void Read_GroupWithoutRowOffsets_Works()
    {
        BytesTensor dense = Random(TensorType.F32, [20, 30], 0.5, 2);
        StoredTensor view = CompressedCheckpoint.Read(BitmaskCodec.Compress(dense).SkipLast(1))["w"];
        CollectionAssert.AreEqual(Bytes(dense), Bytes(view));
    }

    [TestMethod]
    public void Read_EmptyShapes_Work()
    {
        StoredTensor[] Group(long[] shape, long rows) =>
        [
            Longs("w.shape", shape),
            new BytesTensor("w.compressed", default, [0], TensorType.F32),
            new BytesTensor("w.bitmask", default, [0], TensorType.U8),
            Longs("w.row_offsets", new long[rows]),
        ];
        Assert.IsEmpty(CompressedCheckpoint.Read(Group([0, 9], 0))["w"].ToArray());
        Assert.IsEmpty(CompressedCheckpoint.Read(Group([3, 0], 3))["w"].ToArray());
        StoredTensor[] bad = Group([3, 0], 3);
        bad[3] = Longs("w.row_offsets", [0, 0, 1]);
        Assert.ThrowsExactly<CheckpointFormatException>(() => CompressedCheckpoint.Read(bad));
    }

    [TestMethod]
    [DataRow("shape", new long[] { 10, 17 }, "not U8 with")]
    [DataRow("shape", new long[] { 9, 9 }, "not U8 with")]
    [DataRow("shape", new long[] { 10, -9 }, "negative")]
    [DataRow("shape", new long[] { 1L << 33, 1L << 33 }, "too many")]
    [DataRow("shape", new long[] { 0, 1L << 33, 1L << 33, 9 }, "not U8 with")]
    [DataRow("shape", new long[] { }, "1 to 64")]
    [DataRow("shape", new long[] { 10, 8, 9 }, "not U8 with")]
    [DataRow("row_offsets", new long[] { 0, 3, 3, 5, 5, 5, 5, 5, 5 }, "each of 10 rows")]
    [DataRow("row_offsets", new long[] { 0, 3, 3, 5, 5, 5, 5, 5, 5, 6 }, "row 9 has the offset 6")]
    [DataRow("row_offsets", new long[] { 1, 3, 3, 5, 5, 5, 5, 5, 5, 5 }, "row 0 has the offset 1")]
    public void Read_HostileIntegers_Throws(string part, long[] values, string expected) =>
        AssertHostile(Longs("w." + part, values), expected);

    [TestMethod]
    public void Read_HostileParts_Throws()
    {
        byte[] mask = new byte[20];
        AssertHostile(new BytesTensor("w.bitmask", mask, [10, 2], TensorType.U8), "the offset 3");
        AssertHostile(new BytesTensor("w.bitmask", mask, [10, 2], TensorType.I8), "not U8");
        AssertHostile(new BytesTensor("w.bitmask", mask.AsMemory(1), [19], TensorType.U8), "20 bytes");
        byte[] tooFew = new byte[16];
        AssertHostile(new BytesTensor("w.compressed", tooFew, [4], TensorType.F32), "5 ones, but there are 4 values");
        AssertHostile(new BytesTensor("w.compressed", tooFew, [32], TensorType.F4), "packed type F4");
        byte[] beyond = [0b1001, 0b11, .. new byte[18]];
        AssertHostile(new BytesTensor("w.bitmask", beyond, [10, 2], TensorType.U8), "beyond its 9 columns");
    }

    [TestMethod]
    public void Read_IncompleteOrDoubleGroup_NamesIt()
    {
        StoredTensor[] parts = Group();
        foreach (int missing in (int[])[0, 1, 2])
        {
            CheckpointFormatException error = Assert.ThrowsExactly<CheckpointFormatException>(
                () => CompressedCheckpoint.Read(parts.Where((_, i) => i != missing)));
            StringAssert.Contains(error.Message, parts[missing].Name);
        }
        StoredTensor[] both = [.. parts, new ArrayTensor("w", new float[90], [10, 9])];
        Assert.ThrowsExactly<CheckpointFormatException>(() => CompressedCheckpoint.Read(both));
    }

    private static StoredTensor[] Group()
    {
        float[] values = new float[90];
        (values[0], values[3], values[8], values[18], values[26]) = (1, 2, 3, 4, 5);
        return [.. BitmaskCodec.Compress(new ArrayTensor("w", values, [10, 9]))];
    }

    private static void AssertHostile(StoredTensor replacement, string expected)
    {
        IEnumerable<StoredTensor> parts = Group().Select(p => p.Name == replacement.Name ? replacement : p);
        CheckpointFormatException error =
            Assert.ThrowsExactly<CheckpointFormatException>(() => CompressedCheckpoint.Read(parts));
        StringAssert.Contains(error.Message, expected);
        StringAssert.Contains(error.Message, "w");
    }

    private static BytesTensor Longs(string name, long[] values) =>
        new(name, MemoryMarshal.AsBytes<long>(values).ToArray(), [values.Length], TensorType.I64);
}
