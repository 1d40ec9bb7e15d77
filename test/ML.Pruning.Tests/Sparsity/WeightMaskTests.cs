using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Sparsity;

[TestClass]
public class WeightMaskTests
{
    [TestMethod]
    [DataRow(0, 5)]
    [DataRow(3, 0)]
    [DataRow(2, 63)]
    [DataRow(2, 64)]
    [DataRow(2, 65)]
    public void Constructor_AnyShape_KeepsEverything(int rows, int columns)
    {
        var mask = new WeightMask(rows, columns);
        Assert.AreEqual((long)rows * columns, mask.KeptCount);
        Assert.AreEqual(0, mask.RemovedCount);
    }

    [TestMethod]
    public void FromNonZeros_ThenApply_RestoresTheZeros()
    {
        float[] weight = RandomWeight(37, 130);
        WeightMask mask = WeightMask.FromNonZeros(weight, 37, 130);
        Assert.AreEqual(weight.Count(w => w == 0), mask.RemovedCount);
        float[] ones = [.. weight.Select(_ => 1f)];
        mask.Apply(ones);
        CollectionAssert.AreEqual(weight.Select(w => w == 0 ? 0f : 1f).ToArray(), ones);
        Assert.AreEqual(mask, WeightMask.FromNonZeros(new ArrayTensor("w", weight, [37, 130])));
    }

    [TestMethod]
    public void Equals_OneBitDiffers_NotEqual()
    {
        float[] weight = RandomWeight(3, 70);
        WeightMask mask = WeightMask.FromNonZeros(weight, 3, 70);
        weight[205] = weight[205] == 0 ? 1 : 0;
        Assert.AreNotEqual(mask, WeightMask.FromNonZeros(weight, 3, 70));
        Assert.AreNotEqual(new WeightMask(2, 3), new WeightMask(3, 2));
    }

    [TestMethod]
    [DataRow(TensorType.F32)]
    [DataRow(TensorType.BF16)]
    [DataRow(TensorType.F16)]
    [DataRow(TensorType.F64)]
    public void MaskedTensor_ReadInOddPieces_ZeroesExactlyTheRemoved(TensorType type)
    {
        float[] weight = [.. RandomWeight(9, 67).Select(w => w + 0.37f)];
        var stored = new ArrayTensor("w", weight, [9, 67], type);
        WeightMask mask = WeightMask.FromNonZeros(RandomWeight(9, 67), 9, 67);
        var masked = new MaskedTensor(stored, mask);

        var original = new byte[stored.ByteLength];
        stored.ReadBytes(0, original);
        int size = original.Length / weight.Length;
        for (int i = 0; i < weight.Length; i++)
            if (!mask[i / 67, i % 67]) original.AsSpan(i * size, size).Clear();

        var read = new byte[masked.ByteLength];
        for (int at = 0; at < read.Length; at += 29)
            masked.ReadBytes(at, read.AsSpan(at, Math.Min(29, read.Length - at)));
        CollectionAssert.AreEqual(original, read);
    }

    [TestMethod]
    public void MaskedTensor_MaskOfAnotherShape_NamesTheTensor()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => new MaskedTensor(
            new ArrayTensor("layers.1.w", new float[6], [2, 3]), new WeightMask(3, 2)));
        StringAssert.Contains(e.Message, "layers.1.w");
    }

    private static float[] RandomWeight(int rows, int columns)
    {
        var random = new Random(4);
        return [.. Enumerable.Range(0, rows * columns)
            .Select(_ => random.Next(3) == 0 ? 0f : (float)random.NextDouble())];
    }
}
