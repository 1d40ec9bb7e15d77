using ML.Pruning.Calibration;

namespace ML.Pruning.Tests.Calibration;

[TestClass]
public class ActivationStatisticsTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(7)]
    [DataRow(16)]
    [DataRow(33)]
    [DataRow(1000)]
    public void Add_AnyWidth_SumsSquaresInFloat64(int features)
    {
        const int Tokens = 19;
        float[] inputs = Inputs(Tokens * features);
        var statistics = new ActivationStatistics(features);
        statistics.Add(inputs);
        Assert.AreEqual(Tokens, statistics.TokenCount);
        for (int i = 0; i < features; i++)
        {
            double expected = 0;
            for (int t = 0; t < Tokens; t++) expected += (double)inputs[t * features + i] * inputs[t * features + i];
            Assert.AreEqual(expected, statistics.SumOfSquares[i], $"feature {i}");
        }
    }

    [TestMethod]
    public void Add_SmallAfterLarge_KeepsTheSmall()
    {
        // Float32 sums would lose the ones beside 1e8.
        var statistics = new ActivationStatistics(1);
        statistics.Add([1e4f]);
        for (int i = 0; i < 100; i++) statistics.Add([1]);
        Assert.AreEqual(1e4f * 1e4 + 100, statistics.SumOfSquares[0]);
    }

    [TestMethod]
    public void Merge_Halves_EqualsTheWhole()
    {
        float[] inputs = [.. Enumerable.Range(-60, 120).Select(i => i / 8f)];
        var whole = new ActivationStatistics(12);
        whole.Add(inputs);
        var first = new ActivationStatistics(12);
        first.Add(inputs.AsSpan(0, 48));
        var second = new ActivationStatistics(12);
        second.Add(inputs.AsSpan(48));
        first.Merge(second);
        Assert.AreEqual(whole.TokenCount, first.TokenCount);
        CollectionAssert.AreEqual(whole.SumOfSquares.ToArray(), first.SumOfSquares.ToArray());
    }

    [TestMethod]
    public void IsFinite_AfterNaN_IsFalse()
    {
        var statistics = new ActivationStatistics(2);
        statistics.Add([1, 2]);
        Assert.IsTrue(statistics.IsFinite);
        statistics.Add([1, float.NaN]);
        Assert.IsFalse(statistics.IsFinite);
    }

    [TestMethod]
    public void AddOrMerge_OtherWidth_Throws()
    {
        var statistics = new ActivationStatistics(3);
        Assert.ThrowsExactly<ArgumentException>(() => statistics.Add(new float[4]));
        Assert.ThrowsExactly<ArgumentException>(() => statistics.Merge(new ActivationStatistics(4)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ActivationStatistics(0));
    }

    private static float[] Inputs(int count)
    {
        var random = new Random(count);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }
}
