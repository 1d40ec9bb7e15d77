using ML.Pruning.Calibration;
using TorchSharp;
using ML.Pruning.Tests.TestKit;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Calibration;

[TestClass]
public class HessianTests
{
    [TestMethod]
    [DataRow(1, 5)]
    [DataRow(7, 3)]
    [DataRow(40, 100)]
    [DataRow(700, 30)] // more features than are multiplied at once
    public void CopyHessian_AnyWidth_IsTwiceTheMeanOuterProduct(int features, int tokens)
    {
        float[] inputs = Inputs(tokens * features);
        using var statistics = new ActivationStatistics(features, StatisticsNeeds.Hessian);
        statistics.Add(inputs.AsSpan(0, features));
        statistics.Add(inputs.AsSpan(features));
        double[] hessian = Copy(statistics);
        for (int i = 0; i < features; i++)
        {
            for (int j = 0; j < features; j++)
            {
                double expected = 0;
                for (int t = 0; t < tokens; t++)
                    expected += (double)inputs[t * features + i] * inputs[t * features + j];
                Assert.AreEqual(2 * expected / tokens, hessian[i * features + j], 1e-12 * tokens, $"[{i}, {j}]");
                Assert.AreEqual(hessian[j * features + i], hessian[i * features + j]);
            }

            Assert.AreEqual(2 * statistics.SumOfSquares[i] / tokens, hessian[i * features + i], 1e-12 * tokens);
        }
    }

    [TestMethod]
    public void Merge_Halves_EqualsTheWhole()
    {
        float[] inputs = [.. Enumerable.Range(-60, 120).Select(i => i / 8f)];
        using ActivationStatistics whole = Seen(inputs, 12);
        using ActivationStatistics first = Seen(inputs[..48], 12), second = Seen(inputs[48..], 12);
        first.Merge(second);
        CollectionAssert.AreEqual(Copy(whole), Copy(first));
        using var without = new ActivationStatistics(12);
        Assert.ThrowsExactly<ArgumentException>(() => first.Merge(without));
    }

    [TestMethod]
    public void CopyHessian_NotAskedFor_Throws()
    {
        using var statistics = new ActivationStatistics(3);
        statistics.Add([1, 2, 3]);
        Assert.IsFalse(statistics.HasHessian);
        Assert.ThrowsExactly<InvalidOperationException>(() => statistics.CopyHessian(new double[9]));
        using ActivationStatistics hessian = Seen([1, 2, 3], 3);
        Assert.ThrowsExactly<ArgumentException>(() => hessian.CopyHessian(new double[8]));
    }

    [TestMethod]
    [DataRow(9)]
    [DataRow(300)] // more features than are inverted at once
    public void Factor_FullRank_IsTheUpperFactorOfTheInverse(int features)
    {
        using ActivationStatistics statistics = Seen(Inputs(features * 400), features);
        HessianFactor factor = statistics.Factor(0.01);
        Assert.AreEqual(0.01, factor.Used);
        double[] damped = Damped(Copy(statistics), features, 0.01);
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = factor.Upper(0, features);
        double[] upper = [.. rows.data<double>()];
        for (int i = 0; i < features; i++)
        {
            Assert.IsGreaterThan(0, upper[i * features + i]);
            for (int j = 0; j < i; j++) Assert.AreEqual(0, upper[i * features + j]);
        }

        // U^T U (H + damping) is the identity.
        double[] product = [.. rows.t().matmul(rows).matmul(tensor(damped, [features, features])).data<double>()];
        for (int i = 0; i < product.Length; i++)
            Assert.AreEqual(i % (features + 1) == 0 ? 1 : 0, product[i], 1e-10, $"{i}");
        int half = features / 2;
        CollectionAssert.AreEqual(rows.narrow(0, half, 3).narrow(1, half, features - half).data<double>().ToArray(),
            factor.Upper(half, 3).data<double>().ToArray());

        double[] factorised = [.. factor.ToDampedHessian().data<double>()];
        for (int i = 0; i < damped.Length; i++) Assert.AreEqual(damped[i], factorised[i], 1e-14 * features);
        HessianDiagonals diagonals = factor.Diagonals();
        for (int i = 0; i < features; i++)
        {
            Assert.AreEqual(upper[i * features + i], diagonals.Factor[i]);
            double inverse = Enumerable.Range(0, features).Sum(k => upper[k * features + i] * upper[k * features + i]);
            Assert.AreEqual(inverse, diagonals.Inverse[i], 1e-12 * inverse);
        }
    }

    [TestMethod]
    public void Factor_DeadColumn_GetsAOneBeforeTheDamping()
    {
        // Feature 1 is always 0; the others have H = 2/2 * (1 + 9) = 10 and 2/2 * (4 + 16) = 20.
        using ActivationStatistics statistics = Seen([1, 0, 2, 3, 0, 4], 3);
        HessianFactor factor = statistics.Factor(0.1);
        CollectionAssert.AreEqual(new[] { 1 }, factor.DeadColumns.ToArray());
        using DisposeScope scope = NewDisposeScope();
        double[] damped = [.. factor.ToDampedHessian().data<double>()];
        double added = 0.1 * (10 + 1 + 20) / 3;
        Assert.AreEqual(10 + added, damped[0], 1e-12);
        Assert.AreEqual(1 + added, damped[4], 1e-12);
        Assert.AreEqual(20 + added, damped[8], 1e-12);
        Assert.AreEqual(double.PositiveInfinity, factor.Diagonals().Inverse[1]);
    }

    [TestMethod]
    public void Factor_RankDeficient_RaisesTheDampingUntilItWorks()
    {
        // Two equal features: without damping there is no factor.
        using ActivationStatistics statistics = Seen([1, 1, 2, 2, 3, 3], 2);
        Assert.AreEqual(1e-6, statistics.Factor(0).Used);
        Assert.AreEqual(0.01, statistics.Factor(0.01).Used);

        // Too little to be seen beside 1: raised tenfold until it is.
        HessianFactor raised = statistics.Factor(1e-300);
        Assert.AreEqual(1e-300, raised.Asked);
        Assert.IsTrue(raised.Used is > 1e-17 and <= 1e-6, $"{raised.Used}");
    }

    [TestMethod]
    public void Dispose_AfterFactor_LeavesNoTensor()
    {
        long before = LiveTensors.Count;
        ActivationStatistics statistics = Seen(Inputs(80), 8);
        statistics.Factor(0.01);
        statistics.Diagonals(0.02);
        statistics.Factor(0.02);
        statistics.Dispose();
        Assert.AreEqual(before, LiveTensors.Count);
    }

    internal static ActivationStatistics Seen(float[] inputs, int features)
    {
        var statistics = new ActivationStatistics(features, StatisticsNeeds.Hessian);
        statistics.Add(inputs);
        return statistics;
    }

    internal static double[] Copy(ActivationStatistics statistics)
    {
        var hessian = new double[statistics.Features * statistics.Features];
        statistics.CopyHessian(hessian);
        return hessian;
    }

    internal static double[] Damped(double[] hessian, int features, double damping)
    {
        double[] damped = [.. hessian];
        for (int i = 0; i < features; i++)
            if (damped[i * features + i] == 0) damped[i * features + i] = 1;
        double mean = Enumerable.Range(0, features).Average(i => damped[i * features + i]);
        for (int i = 0; i < features; i++) damped[i * features + i] += damping * mean;
        return damped;
    }

    internal static float[] Inputs(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
    }
}
