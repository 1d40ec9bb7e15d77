using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

[TestClass]
public class QuantizerTests
{
    private static readonly WeightGrid s_int8 = new Int8PerRow();
    private static readonly WeightGrid s_int4 = new Int4Groups();

    [TestMethod]
    public void QuantizeRow_Int8ByHand_RoundsToNearestEven()
    {
        // The largest is 254, so the scale is 2; 1 / 2 and 3 / 2 are ties, which go to the even code.
        float[] row = [254, 1, 3, 5, -1, -3, 2.9f, 3.1f, 0, -254];
        float scale = Quantizer.Scale(row, s_int8);
        sbyte[] codes = new sbyte[row.Length];
        Quantizer.QuantizeRow(row, [scale], s_int8, codes);

        Assert.AreEqual(2f, scale);
        CollectionAssert.AreEqual(new sbyte[] { 127, 0, 2, 2, 0, -2, 1, 2, 0, -127 }, codes);
        float[] back = new float[row.Length];
        Quantizer.DequantizeRow(codes, [scale], s_int8, back);
        CollectionAssert.AreEqual(new float[] { 254, 0, 4, 4, 0, -4, 2, 4, 0, -254 }, back);
    }

    [TestMethod]
    public void Scales_Int4ByHand_OneForEachGroupAlsoTheNarrowLast()
    {
        // Groups of 8 over 18 columns: 8, 8 and 2.
        var grid = new Int4Groups(8);
        float[] row = new float[18];
        (row[0], row[1], row[7]) = (7, -3.4f, 1.5f);
        (row[16], row[17]) = (-14, 5);
        float[] scales = new float[grid.Groups(18)];
        Quantizer.Scales(row, grid, scales);
        sbyte[] codes = new sbyte[18];
        Quantizer.QuantizeRow(row, scales, grid, codes);

        CollectionAssert.AreEqual(new float[] { 1, 1, 2 }, scales, "an all-zero group has scale 1");
        CollectionAssert.AreEqual(
            new sbyte[] { 7, -3, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, -7, 2 }, codes);
    }

    [TestMethod]
    [DataRow("int8", float.Epsilon, float.Epsilon)]
    [DataRow("int8", 512 * float.Epsilon, 4 * float.Epsilon)]
    [DataRow("int4", float.Epsilon, 65536 * float.Epsilon)]
    [DataRow("int8", 127f, 1f)]
    [DataRow("int4", -7f, 1f)]
    [DataRow("int4", 1f, 0.142578125f)]
    public void Scale_Extremes_AreExactInTheirType(string grid, float largest, float expected) =>
        Assert.AreEqual(expected, Quantizer.Scale([0, largest], WeightGrid.Parse(grid)));

    [TestMethod]
    [DataRow("int8")]
    [DataRow("int4")]
    public void Scale_HugeWeights_GivesFiniteWeightsForEveryCode(string text)
    {
        WeightGrid grid = WeightGrid.Parse(text);
        foreach (float largest in new[] { float.MaxValue, 3.38e38f, 3.35e38f, 3e38f })
        {
            float scale = Quantizer.Scale([largest, -1], grid);
            Assert.IsTrue(float.IsFinite(Quantizer.Dequantize(-grid.MaxCode - 1, scale)));
            float back = Quantizer.Dequantize(Quantizer.Quantize(largest, scale, grid), scale);
            // 1 step of MaxValue / 8 or / 128, and what rounding that down to bfloat16 loses in 7 steps.
            Assert.IsLessThanOrEqualTo(1.05f * scale, largest - back);
        }
    }

    [TestMethod]
    [DataRow("int8")]
    [DataRow("int4")]
    [DataRow("int4:g8")]
    public void QuantizeRow_AnyWeights_StaysWithinHalfAStepAndKeepsZeros(string text)
    {
        WeightGrid grid = WeightGrid.Parse(text);
        var random = new Random(3);
        foreach (float size in new[] { 1e-30f, 1e-3f, 1f, 1e30f })
        {
            float[] row = [.. Enumerable.Range(0, 300).Select(i => i % 3 == 0 ? 0 : (random.NextSingle() - 0.5f) * size)];
            float[] scales = new float[grid.Groups(row.Length)];
            sbyte[] codes = new sbyte[row.Length];
            float[] back = new float[row.Length];
            Quantizer.Scales(row, grid, scales);
            Quantizer.QuantizeRow(row, scales, grid, codes);
            Quantizer.DequantizeRow(codes, scales, grid, back);
            for (int i = 0; i < row.Length; i++)
            {
                // Rounding the scale to bfloat16 (2^-9) can move the largest of 7 steps by 7 * 2^-9 beyond the half.
                float scale = scales[i / grid.GroupColumns(row.Length)];
                Assert.IsLessThanOrEqualTo(0.5 + 7.0 / 512, Math.Abs((double)back[i] - row[i]) / scale);
                Assert.AreEqual(Quantizer.Quantize(row[i], scale, grid), codes[i]);
                if (row[i] == 0)
                    Assert.AreEqual(0u, BitConverter.SingleToUInt32Bits(back[i]));
            }
        }
    }

    [TestMethod]
    public void QuantizeEach_ScaleForEach_CutsToTheGrid()
    {
        sbyte[] codes = new sbyte[4];
        Quantizer.QuantizeEach([100, -100, 1, float.MaxValue], [1, 10, 2, float.Epsilon], s_int4, codes);
        CollectionAssert.AreEqual(new sbyte[] { 7, -7, 0, 7 }, codes);
    }

    [TestMethod]
    public void Parse_LegalText_ComesBack()
    {
        foreach (string text in new[] { "int8", "int4", "int4:g8", "int4:g128", "int4:g4096" })
            Assert.AreEqual(text, WeightGrid.Parse(text).ToString());
        Assert.AreEqual(s_int8, WeightGrid.Parse(" INT8 "));
        Assert.AreEqual(s_int4, WeightGrid.Parse("int4:g64"));
    }

    [TestMethod]
    [DataRow("")]
    [DataRow("int")]
    [DataRow("int3")]
    [DataRow("int4:")]
    [DataRow("int4:g")]
    [DataRow("int4:g0")]
    [DataRow("int4:g65")]
    [DataRow("int4:g-64")]
    [DataRow("int4:g8192")]
    [DataRow("int8:g64")]
    public void Parse_IllegalText_NamesTheLegalForms(string text)
    {
        ArgumentException error = Assert.ThrowsExactly<ArgumentException>(() => WeightGrid.Parse(text));
        StringAssert.Contains(error.Message, "int4:gN");
    }

    [TestMethod]
    public void StorageBytes_Shapes_CountCodesAndScales()
    {
        Assert.AreEqual(10 * (172 + 4), s_int8.StorageBytes(10, 172));
        // 172 codes = 22 words; 3 groups of two bytes.
        Assert.AreEqual(10 * (22 * 4 + 3 * 2), s_int4.StorageBytes(10, 172));
    }
}
