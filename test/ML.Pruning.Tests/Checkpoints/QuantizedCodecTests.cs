using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class QuantizedCodecTests
{
    private static readonly Int4Groups s_groupsOf8 = new(8);

    // A matrix with its codes and scales, and the weights by the formula.
    private static (QuantizedTensor Tensor, float[] Weights) Random(
        WeightGrid grid, int rows, int columns, double zeros)
    {
        var random = new Random(rows * 1000 + columns);
        int groups = grid.Groups(columns);
        byte[] codes = new byte[rows * columns];
        float[] scales = new float[rows * groups];
        for (int i = 0; i < scales.Length; i++)
            scales[i] = (1 + random.Next(128) / 128f) * MathF.Pow(2, random.Next(-8, 3));
        for (int i = 0; i < codes.Length; i++)
            codes[i] = random.NextDouble() < zeros ? (byte)0 : (byte)random.Next(-grid.MaxCode, grid.MaxCode + 1);
        float[] weights = new float[codes.Length];
        for (int i = 0; i < codes.Length; i++)
        {
            int group = grid is Int4Groups g ? i % columns / g.GroupSize : 0;
            weights[i] = (sbyte)codes[i] * scales[i / columns * groups + group];
        }
        return (QuantizedTensor.Of("a.weight", columns, codes, scales, grid), weights);
    }

    private static byte[] Bytes(StoredTensor tensor)
    {
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
        return bytes;
    }

    [TestMethod]
    [DataRow("int8", 5, 9)]
    [DataRow("int8", 300, 1001)]
    [DataRow("int4:g8", 3, 1)]
    [DataRow("int4:g8", 7, 20)]
    [DataRow("int4", 40, 172)]
    [DataRow("int4", 2, 70_000)]
    [DataRow("int4:g128", 64, 128)]
    public void Read_AnyPiece_IsCodeTimesScale(string grid, int rows, int columns)
    {
        (QuantizedTensor tensor, float[] weights) = Random(WeightGrid.Parse(grid), rows, columns, 0.2);

        CollectionAssert.AreEqual(weights, tensor.ToArray());
        byte[] expected = [.. weights.SelectMany(BitConverter.GetBytes)];
        CollectionAssert.AreEqual(expected, Bytes(tensor));
        var random = new Random(1);
        for (int i = 0; i < 100; i++)
        {
            int start = random.Next(weights.Length);
            float[] piece = new float[random.Next(Math.Min(1000, weights.Length - start) + 1)];
            tensor.Read(start, piece);
            CollectionAssert.AreEqual(weights[start..(start + piece.Length)], piece);
            byte[] raw = new byte[random.Next(Math.Min(50, expected.Length - start) + 1)];
            tensor.ReadBytes(start, raw);
            CollectionAssert.AreEqual(expected[start..(start + raw.Length)], raw);
        }
    }

    [TestMethod]
    public void Encode_Int4_PacksAsCompressedTensorsDoes()
    {
        // 10 columns: two words a row; nibble = code + 8, the first in the lowest bits, the rest of the last word 0.
        byte[] codes = [.. new sbyte[] { -7, -1, 0, 1, 7, 2, 3, 4, 5, -6 }.Select(c => (byte)c)];
        IReadOnlyList<StoredTensor> parts = QuantizedCodec.Encode(
            QuantizedTensor.Of("a.weight", 10, codes, new float[] { 0.5f, 0.25f }, s_groupsOf8));

        CollectionAssert.AreEqual(new[] { "a.weight_packed", "a.weight_scale", "a.weight_shape" },
            parts.Select(p => p.Name).ToArray());
        CollectionAssert.AreEqual(
            new[] { TensorType.I32, TensorType.BF16, TensorType.I64 }, parts.Select(p => p.Type).ToArray());
        CollectionAssert.AreEqual(new long[] { 1, 2 }, parts[0].Shape.ToArray());
        CollectionAssert.AreEqual(new long[] { 1, 2 }, parts[1].Shape.ToArray());
        CollectionAssert.AreEqual(
            new byte[] { 0x71, 0x98, 0xAF, 0xCB, 0x2D, 0, 0, 0 }, Bytes(parts[0]));
        CollectionAssert.AreEqual(new[] { 0.5f, 0.25f }, parts[1].ToArray());
        CollectionAssert.AreEqual(new float[] { 1, 10 }, parts[2].ToArray());
        Assert.AreEqual(8 + 4 + 16, parts.Sum(p => p.ByteLength));
    }

    [TestMethod]
    public void Encode_Int8_StoresCodesUnderTheNameItself()
    {
        IReadOnlyList<StoredTensor> parts = QuantizedCodec.Encode(
            QuantizedTensor.Of("a.weight", 2, new byte[] { 1, 0xFF, 0x81, 127 }, new[] { 2f, 3f }, new Int8PerRow()));

        CollectionAssert.AreEqual(
            new[] { "a.weight", "a.weight_scale" }, parts.Select(p => p.Name).ToArray());
        CollectionAssert.AreEqual(new float[] { 1, -1, -127, 127 }, parts[0].ToArray());
        Assert.AreEqual(TensorType.I8, parts[0].Type);
        CollectionAssert.AreEqual(new long[] { 2, 1 }, parts[1].Shape.ToArray());
        Assert.AreEqual(TensorType.F32, parts[1].Type);
    }

    [TestMethod]
    [DataRow("int8", 70, 129, 0.0, false)]
    [DataRow("int8", 70, 1290, 0.6, true)]
    [DataRow("int4", 70, 172, 0.6, false)]
    [DataRow("int4:g8", 3, 8, 0.0, false)]
    [DataRow("int4:g256", 3, 4096, 0.5, false)]
    public void Encode_ThenRead_GivesTheSameWeightsAndGrid(
        string grid, int rows, int columns, double zeros, bool bitmask)
    {
        (QuantizedTensor tensor, float[] weights) = Random(WeightGrid.Parse(grid), rows, columns, zeros);
        StoredTensor[] others =
            [new ArrayTensor("a.bias", weights.AsMemory(0, rows), [rows]), tensor.Renamed("b.weight")];
        using var folder = new TestFolder();
        SafetensorsWriter.Write(folder["m"], BitmaskCodec.CompressAll(
            new StoredTensor[] { tensor }.Concat(others).SelectMany(QuantizedCodec.Encode)));
        using SafetensorsFile file = SafetensorsFile.Open(folder["m"]);
        Assert.AreEqual(bitmask, file.Tensors.ContainsKey("a.weight.bitmask"));

        IReadOnlyDictionary<string, StoredTensor> read = CompressedCheckpoint.Read(file.Tensors);

        CollectionAssert.AreEqual(new[] { "a.weight", "a.bias", "b.weight" }, read.Keys.ToArray());
        foreach (string name in new[] { "a.weight", "b.weight" })
        {
            var back = (QuantizedTensor)read[name];
            CollectionAssert.AreEqual(weights, back.ToArray());
            CollectionAssert.AreEqual(tensor.Codes.ToArray(), back.Codes.ToArray());
            CollectionAssert.AreEqual(tensor.Scales.ToArray(), back.Scales.ToArray());
            Assert.AreEqual(tensor.Grid, back.Grid);
        }
    }

    [TestMethod]
    public void SliceRows_Middle_StaysOnTheGrid()
    {
        (QuantizedTensor tensor, float[] weights) = Random(s_groupsOf8, 9, 20, 0);
        QuantizedTensor slice = tensor.SliceRows("s", 2, 4);
        CollectionAssert.AreEqual(weights[40..120], slice.ToArray());
        Assert.AreEqual(4 * (3 * 4 + 3 * 2) + 16, QuantizedCodec.StorageBytes(slice));
        Assert.IsNotInstanceOfType<QuantizedTensor>(slice.Dequantized());
        CollectionAssert.AreEqual(weights[40..120], slice.Dequantized().ToArray());
    }

    [TestMethod]
    public void Read_FilesOfOthers_AreUnderstood()
    {
        // int32 shape, float16 scales, a code of -8, zero points of 0, one scale a row in one dimension, groups of 5.
        StoredTensor[] stored =
        [
            new BytesTensor("p.weight_packed", new byte[] { 0x80, 0, 0, 0, 0, 0, 0, 0 }, [1, 2], TensorType.I32),
            new ArrayTensor("p.weight_scale", new[] { 2f, 4f }, [1, 2], TensorType.F16),
            new BytesTensor("p.weight_shape", new byte[] { 1, 0, 0, 0, 10, 0, 0, 0 }, [2], TensorType.I32),
            new BytesTensor("q.weight", new byte[] { 0x80, 3 }, [2, 1], TensorType.I8),
            new ArrayTensor("q.weight_scale", new[] { 1f, 0.5f }, [2]),
            new BytesTensor("q.weight_zero_point", new byte[2], [2, 1], TensorType.I8),
        ];
        IReadOnlyDictionary<string, StoredTensor> read = CompressedCheckpoint.Read(stored);

        Assert.HasCount(2, read);
        CollectionAssert.AreEqual(new float[] { -16, 0, -16, -16, -16, -16, -16, -16, -32, -32 },
            read["p.weight"].ToArray());
        CollectionAssert.AreEqual(new[] { -128f, 1.5f }, read["q.weight"].ToArray());
    }

    [TestMethod]
    [DataRow("no scale", "lacks 'w_scale'")]
    [DataRow("no shape", "lacks 'w_shape'")]
    [DataRow("both", "both as it is and as packed")]
    [DataRow("order", "activation order")]
    [DataRow("zero point", "zero points")]
    [DataRow("zero scale", "is 0; scales must be in (0,")]
    [DataRow("negative scale", "at [1, 0] is -1")]
    [DataRow("infinite scale", "scales must be in (0,")]
    [DataRow("NaN scale", "is NaN")]
    [DataRow("huge scale", "scales must be in (0,")]
    [DataRow("integer scale", "not F32, F16 or BF16")]
    [DataRow("too many scales", "no possible number of groups")]
    [DataRow("rows of scales", "not F32, F16 or BF16 [2, 2]")]
    [DataRow("short packed", "only codes of 4 bits")]
    [DataRow("packed type", "only codes of 4 bits")]
    [DataRow("huge shape", "each dimension must be in")]
    [DataRow("negative shape", "each dimension must be in")]
    [DataRow("shape type", "is I64 [2]")]
    [DataRow("codes of one dimension", "not an I8 matrix")]
    [DataRow("a scale for each tensor", "[2, 1]")]
    public void Read_BrokenParts_SaysWhich(string fault, string message)
    {
        var parts = new Dictionary<string, StoredTensor>();
        void Put(StoredTensor tensor) => parts[tensor.Name] = tensor;
        StoredTensor Scales(float first, params float[] rest) =>
            new ArrayTensor("w_scale", (float[])[first, .. rest], [2, 2]);
        StoredTensor Shape(long rows, long columns) => new BytesTensor("w_shape",
            (byte[])[.. BitConverter.GetBytes(rows), .. BitConverter.GetBytes(columns)], [2], TensorType.I64);
        Put(new BytesTensor("w_packed", new byte[16], [2, 2], TensorType.I32));
        Put(Scales(1, 1, 1, 1));
        Put(Shape(2, 16));
        Assert.AreEqual(s_groupsOf8, ((QuantizedTensor)CompressedCheckpoint.Read(parts.Values)["w"]).Grid);
        switch (fault)
        {
            case "no scale": parts.Remove("w_scale"); break;
            case "no shape": parts.Remove("w_shape"); break;
            case "both": Put(new BytesTensor("w", new byte[32], [2, 16], TensorType.I8)); break;
            case "order": Put(new BytesTensor("w_g_idx", new byte[64], [16], TensorType.I32)); break;
            case "zero point":
                byte[] points = new byte[100_000];
                points[^1] = 1;
                Put(new BytesTensor("w_zero_point", points, [100_000], TensorType.I8));
                break;
            case "zero scale": Put(Scales(1, 0, 1, 1)); break;
            case "negative scale": Put(Scales(1, 1, -1, 1)); break;
            case "infinite scale": Put(Scales(float.PositiveInfinity, 1, 1, 1)); break;
            case "NaN scale": Put(Scales(1, 1, 1, float.NaN)); break;
            case "huge scale": Put(Scales(1, 1, 1, 4.3e37f)); break;
            case "integer scale": Put(new BytesTensor("w_scale", new byte[4], [2, 2], TensorType.I8)); break;
            case "too many scales": Put(new ArrayTensor("w_scale", new float[2 * 17], [2, 17])); break;
            case "rows of scales": Put(new ArrayTensor("w_scale", new float[2], [1, 2])); break;
            case "short packed": Put(new BytesTensor("w_packed", new byte[8], [2, 1], TensorType.I32)); break;
            case "packed type": Put(new BytesTensor("w_packed", new byte[4], [2, 2], TensorType.U8)); break;
            case "huge shape": Put(Shape(2, long.MaxValue)); break;
            case "negative shape": Put(Shape(-2, 16)); break;
            case "shape type": Put(new BytesTensor("w_shape", new byte[2], [2], TensorType.U8)); break;
            case "codes of one dimension":
                parts.Clear();
                Put(new BytesTensor("w", new byte[2], [2], TensorType.I8));
                Put(Scales(1, 1, 1, 1));
                break;
            case "a scale for each tensor":
                parts.Clear();
                Put(new BytesTensor("w", new byte[4], [2, 2], TensorType.I8));
                Put(new ArrayTensor("w_scale", new[] { 1f }, [1]));
                break;
        }
        CheckpointFormatException error =
            Assert.ThrowsExactly<CheckpointFormatException>(() => CompressedCheckpoint.Read(parts.Values));
        StringAssert.Contains(error.Message, message);
        Assert.DoesNotContain("\n", error.Message);
    }
}
