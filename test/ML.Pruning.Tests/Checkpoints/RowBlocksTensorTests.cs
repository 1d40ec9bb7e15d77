using ML.Pruning.Checkpoints;

namespace ML.Pruning.Tests.Checkpoints;

/// <summary>Blocks of rows, by examples.</summary>
[TestClass]
public sealed class RowBlocksTensorTests
{
    private static readonly ArrayTensor s_rows =
        new("rows", Enumerable.Range(0, 24).Select(i => (float)i).ToArray(), [12, 2]);

    [TestMethod]
    public void Take_EveryThirdBlockOfTwoRows_IsThoseRows()
    {
        RowBlocksTensor second = RowBlocksTensor.Take("second", s_rows, 2, 3, 1);
        CollectionAssert.AreEqual(new long[] { 4, 2 }, second.Shape.ToArray());
        CollectionAssert.AreEqual(new float[] { 4, 5, 6, 7, 16, 17, 18, 19 }, second.ToArray());
    }

    [TestMethod]
    public void Interleave_WhatTakeTookApart_IsTheOriginalByteByByte()
    {
        StoredTensor half = new ArrayTensor("half", s_rows.ToArray(), s_rows.Shape, TensorType.F16);
        RowBlocksTensor whole = RowBlocksTensor.Interleave(
            "whole", [.. Enumerable.Range(0, 3).Select(i => RowBlocksTensor.Take("part", half, 2, 3, i))], 2);
        byte[] expected = new byte[half.ByteLength], actual = new byte[whole.ByteLength];
        half.ReadBytes(0, expected);
        whole.ReadBytes(0, actual);
        CollectionAssert.AreEqual(expected, actual);
    }

    [TestMethod]
    public void TakeAndInterleave_RowsThatDoNotFit_NameTheTensor()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => RowBlocksTensor.Take("part", s_rows, 5, 2, 0));
        StringAssert.Contains(e.Message, "'rows' has shape [12, 2]");
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => RowBlocksTensor.Take("part", s_rows, 2, 3, 3));
        Assert.ThrowsExactly<ArgumentException>(() => RowBlocksTensor.Interleave("whole", [], 1));
        e = Assert.ThrowsExactly<ArgumentException>(
            () => RowBlocksTensor.Interleave("whole", [s_rows, new RowSliceTensor("fewer", s_rows, 0, 8)], 2));
        StringAssert.Contains(e.Message, "'fewer'");
    }
}
