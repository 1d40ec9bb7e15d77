using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class StoredTensorTests
{
    private static readonly ArrayTensor s_matrix =
        new("m", Enumerable.Range(0, 35).Select(i => (float)i).ToArray(), [5, 7]);

    public static IEnumerable<object[]> Views => new StoredTensor[]
    {
        s_matrix,
        new ArrayTensor("half", s_matrix.ToArray(), [5, 7], TensorType.F16),
        new ArrayTensor("brain", s_matrix.ToArray(), [5, 7], TensorType.BF16),
        new ArrayTensor("double", s_matrix.ToArray(), [5, 7], TensorType.F64),
        new TransposedTensor("t", s_matrix),
        new TransposedTensor("t", new ArrayTensor("half", s_matrix.ToArray(), [5, 7], TensorType.F16)),
        new TransposedTensor("t", new ArrayTensor("double", s_matrix.ToArray(), [5, 7], TensorType.F64)),
        new RowSliceTensor("s", s_matrix, 1, 3),
        new ConcatenatedTensor("c", [s_matrix, new RowSliceTensor("none", s_matrix, 5, 0), s_matrix]),
        new ReshapedTensor("r", s_matrix, [7, 5]),
        RowBlocksTensor.Take("b", new ReshapedTensor("r", s_matrix, [35]), 1, 5, 3),
        RowBlocksTensor.Take("b", new ReshapedTensor("r", new ConcatenatedTensor("c", [s_matrix, s_matrix]), [14, 5]), 2, 7, 4),
        RowBlocksTensor.Interleave("i", [s_matrix, s_matrix, s_matrix], 5),
        s_matrix.Renamed("n"),
    }.Select(t => new object[] { t });

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void Read_AnyPiece_AgreesWithTheWhole(StoredTensor tensor)
    {
        float[] whole = tensor.ToArray();
        for (int start = 0; start <= whole.Length; start++)
        {
            for (int count = 0; count <= whole.Length - start; count++)
            {
                float[] piece = new float[count];
                tensor.Read(start, piece);
                Assert.IsTrue(whole.AsSpan(start, count).SequenceEqual(piece), $"[{start}, {start + count})");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Views))]
    public void ReadBytes_AnyPiece_AgreesWithCopyTo(StoredTensor tensor)
    {
        using var stream = new MemoryStream();
        tensor.CopyTo(stream);
        byte[] whole = stream.ToArray();
        Assert.AreEqual(tensor.ByteLength, whole.Length);
        CollectionAssert.AreEqual(
            tensor.ToArray(), new BytesTensor("copy", whole, tensor.Shape, tensor.Type).ToArray());
        for (int start = 0; start <= whole.Length; start++)
        {
            for (int count = 0; count <= whole.Length - start; count += 1 + count / 16)
            {
                byte[] piece = new byte[count];
                tensor.ReadBytes(start, piece);
                Assert.IsTrue(whole.AsSpan(start, count).SequenceEqual(piece), $"[{start}, {start + count})");
            }
        }
    }

    [TestMethod]
    [DataRow(100, 37)]
    [DataRow(1, 5000)]
    [DataRow(5000, 1)]
    public void ToArray_Transposed_SwapsEachElement(int rows, int columns)
    {
        float[] values = [.. Enumerable.Range(0, rows * columns).Select(i => (float)i)];
        float[] transposed = new TransposedTensor("t", new ArrayTensor("m", values, [rows, columns])).ToArray();
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                Assert.AreEqual(values[row * columns + column], transposed[column * rows + row]);
        }
    }

    [TestMethod]
    public void CopyTo_TransposedOverSeveralPieces_EqualsToArray()
    {
        // 6 MB: two pieces of 4 MB, and tiles that do not divide the rows.
        const int Rows = 1501;
        const int Columns = 2003;
        var random = new Random(9);
        float[] values = [.. Enumerable.Range(0, Rows * Columns).Select(_ => random.NextSingle())];
        var transposed = new TransposedTensor(
            "t", new ArrayTensor("m", values, [Rows, Columns], TensorType.BF16));
        using var stream = new MemoryStream();
        transposed.CopyTo(stream);
        var copy = new BytesTensor("c", stream.ToArray(), [Columns, Rows], TensorType.BF16);
        Assert.IsTrue(transposed.ToArray().AsSpan().SequenceEqual(copy.ToArray()));
        Assert.AreEqual(values[^1], copy.ToArray()[^1], 1f / 256);
    }

    [TestMethod]
    public void TensorTypes_Names_RoundTripAndUnknownOnesAreNamed()
    {
        foreach (TensorType type in Enum.GetValues<TensorType>())
            Assert.AreEqual(type, TensorTypes.Parse(type.Name()));
        Assert.AreEqual(16, TensorTypes.Parse("BF16").BitsPerElement());
        Assert.AreEqual(TensorType.F8E4M3, TensorTypes.Parse("F8_E4M3"));
        CheckpointFormatException error =
            Assert.ThrowsExactly<CheckpointFormatException>(() => TensorTypes.Parse("Q\n4"));
        StringAssert.Contains(error.Message, "'Q\\u000A4'");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ((TensorType)99).Name());
    }

    [TestMethod]
    public void ToArray_Views_GivesTheRightElements()
    {
        CollectionAssert.AreEqual(
            new float[] { 0, 7, 14, 21, 28, 1, 8, 15 }, new TransposedTensor("t", s_matrix).ToArray()[..8]);
        CollectionAssert.AreEqual(new long[] { 7, 5 }, new TransposedTensor("t", s_matrix).Shape.ToArray());
        CollectionAssert.AreEqual(
            new float[] { 28, 29, 30, 31, 32, 33, 34 }, new RowSliceTensor("s", s_matrix, 4, 1).ToArray());
        StoredTensor vector = new RowSliceTensor("v", new ReshapedTensor("r", s_matrix, [35]), 3, 2);
        CollectionAssert.AreEqual(new float[] { 3, 4 }, vector.ToArray());
        var joined = new ConcatenatedTensor("c", [vector, vector]);
        CollectionAssert.AreEqual(new float[] { 3, 4, 3, 4 }, joined.ToArray());
        CollectionAssert.AreEqual(new long[] { 4 }, joined.Shape.ToArray());
        Assert.AreEqual("n", s_matrix.Renamed("n").Name);
    }

    [TestMethod]
    [DataRow(TensorType.F16)]
    [DataRow(TensorType.BF16)]
    public void Read_RoundedArray_EqualsReload(TensorType type)
    {
        using var folder = new TestFolder();
        var random = new Random(7);
        float[] values = new float[1001];
        for (int i = 0; i < values.Length; i++)
            values[i] = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
        var tensor = new ArrayTensor("a", values, [values.Length], type);
        SafetensorsWriter.Write(folder["m"], [tensor]);
        using SafetensorsFile file = SafetensorsFile.Open(folder["m"]);
        CollectionAssert.AreEqual(file.Tensors["a"].ToArray(), tensor.ToArray());
    }

    [TestMethod]
    public void Read_BFloat16_RoundsToNearestEven()
    {
        // 1 + 2^-7 is the next bfloat16 after 1. The oracle: both neighbours in double, ties to the even one.
        var random = new Random(3);
        float[] values = new float[4099];
        for (int i = 0; i < values.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)random.Next() & 0x7F7F_FFFF | (uint)(i & 1) << 31);
        (values[0], values[1], values[2]) = (1 + 1f / 256, 1 + 3f / 256, float.MaxValue);
        (values[3], values[4], values[5]) = (float.NaN, float.NegativeInfinity, -0f);
        float[] rounded = new ArrayTensor("a", values, [values.Length], TensorType.BF16).ToArray();
        Assert.AreEqual(1f, rounded[0]);
        Assert.AreEqual(1 + 1f / 64, rounded[1]);
        Assert.AreEqual(float.PositiveInfinity, rounded[2]);
        Assert.IsTrue(float.IsNaN(rounded[3]));
        Assert.AreEqual(float.NegativeInfinity, rounded[4]);
        Assert.IsTrue(float.IsNegative(rounded[5]) && rounded[5] == 0);
        for (int i = 6; i < values.Length; i++)
        {
            uint lower = BitConverter.SingleToUInt32Bits(values[i]) & 0xFFFF_0000;
            double below = BitConverter.UInt32BitsToSingle(lower);
            double above = BitConverter.UInt32BitsToSingle(lower + 0x1_0000);
            if (double.IsInfinity(above))
                continue;
            double toBelow = Math.Abs(values[i] - below);
            double toAbove = Math.Abs(values[i] - above);
            bool takeBelow = toBelow < toAbove || (toBelow == toAbove && (lower & 0x1_0000) == 0);
            Assert.AreEqual(takeBelow ? below : above, rounded[i], $"{values[i]:R}");
        }
    }

    [TestMethod]
    public void Read_Integers_Converts()
    {
        CollectionAssert.AreEqual(
            new float[] { -1, 2 }, new BytesTensor("a", (byte[])[255, 2], [2], TensorType.I8).ToArray());
        CollectionAssert.AreEqual(
            new float[] { 255, 2 }, new BytesTensor("a", (byte[])[255, 2], [2], TensorType.U8).ToArray());
        CollectionAssert.AreEqual(
            new float[] { 1, 0 }, new BytesTensor("a", (byte[])[255, 0], [2], TensorType.Bool).ToArray());
        byte[] minusTwo = BitConverter.GetBytes(-2L);
        CollectionAssert.AreEqual(new float[] { -2 }, new BytesTensor("a", minusTwo, [1], TensorType.I64).ToArray());
        CollectionAssert.AreEqual(
            new[] { 18446744073709551614f }, new BytesTensor("a", minusTwo, [1], TensorType.U64).ToArray());
        CollectionAssert.AreEqual(new float[] { -2, -1 },
            new BytesTensor("a", minusTwo, [2], TensorType.I32).ToArray());
        CollectionAssert.AreEqual(new[] { 4294967294f, 4294967295f },
            new BytesTensor("a", minusTwo, [2], TensorType.U32).ToArray());
        CollectionAssert.AreEqual(new float[] { -2, -1, -1, -1 },
            new BytesTensor("a", minusTwo, [4], TensorType.I16).ToArray());
        CollectionAssert.AreEqual(new float[] { 65534, 65535, 65535, 65535 },
            new BytesTensor("a", minusTwo, [4], TensorType.U16).ToArray());
    }

    [TestMethod]
    public void Read_PackedType_NamesIt()
    {
        var tensor = new BytesTensor("w", new byte[2], [4], TensorType.F4);
        NotSupportedException error = Assert.ThrowsExactly<NotSupportedException>(tensor.ToArray);
        StringAssert.Contains(error.Message, "F4");
        StringAssert.Contains(error.Message, "'w'");
    }

    [TestMethod]
    [DataRow(-1L, 1)]
    [DataRow(35L, 1)]
    [DataRow(30L, 6)]
    [DataRow(long.MaxValue, 1)]
    public void Read_OutOfRange_Throws(long start, int count)
    {
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => s_matrix.Read(start, new float[count]));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => s_matrix.ReadBytes(start < 0 ? start : start + 105, new byte[count]));
    }

    [TestMethod]
    public void Constructors_WrongShape_Throw()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new ArrayTensor("a", new float[3], [2]));
        Assert.ThrowsExactly<ArgumentException>(() => new ArrayTensor("a", new float[3], [-3]));
        Assert.ThrowsExactly<ArgumentException>(() => new ArrayTensor("a", new float[3], [3], TensorType.I8));
        Assert.ThrowsExactly<ArgumentException>(() => new BytesTensor("a", new byte[3], [3], TensorType.F4));
        Assert.ThrowsExactly<ArgumentException>(() => new BytesTensor("a", new byte[3], [3], TensorType.F16));
        Assert.ThrowsExactly<ArgumentException>(() => new ReshapedTensor("a", s_matrix, [34]));
        Assert.ThrowsExactly<ArgumentException>(
            () => new TransposedTensor("a", new ReshapedTensor("a", s_matrix, [35])));
        Assert.ThrowsExactly<ArgumentException>(
            () => new ConcatenatedTensor("a", [s_matrix, new TransposedTensor("t", s_matrix)]));
        Assert.ThrowsExactly<ArgumentException>(() => new ConcatenatedTensor("a", []));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new RowSliceTensor("a", s_matrix, 3, 3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new RowSliceTensor("a", s_matrix, -1, 1));
        Assert.ThrowsExactly<ArgumentException>(
            () => new RowSliceTensor("a", new ArrayTensor("s", new float[1], []), 0, 1));
        Assert.ThrowsExactly<ArgumentException>(
            () => new RowSliceTensor("a", new BytesTensor("s", new byte[3], [2, 3], TensorType.F4), 1, 1));
    }
}
