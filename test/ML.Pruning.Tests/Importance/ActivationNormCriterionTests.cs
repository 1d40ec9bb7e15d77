using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Calibration;

namespace ML.Pruning.Tests.Importance;

[TestClass]
public sealed class ActivationNormCriterionTests
{
    private const int Rows = 5;
    private const int Columns = 300;

    [TestMethod]
    [DataRow(ActivationNorm.L1, 1.0, 7.0, 17.0)]
    [DataRow(ActivationNorm.L2, 1.0, 5.0, 13.0)]
    [DataRow(ActivationNorm.LInfinity, 1.0, 4.0, 12.0)]
    [DataRow(ActivationNorm.L2, 2.0, 25.0, 169.0)]
    [DataRow(ActivationNorm.LInfinity, 0.5, 2.0, 3.4641016)]
    [DataRow(ActivationNorm.L1, 0.0, 1.0, 1.0)]
    public void Score_WorkedByHand_IsMagnitudeTimesThePowerOfTheNorm(
        ActivationNorm norm, double exponent, double first, double second)
    {
        // Two tokens: features (3, -4) and (-5, 12).
        using var statistics = new ActivationStatistics(2, StatisticsNeeds.Moments);
        statistics.Add([3, -5, -4, 12]);
        var scores = new float[4];
        new ActivationNormCriterion(norm, exponent)
            .Score(new WeightBlock("w", 0, 2, 2, [2, -1, 0, 0.5f]), statistics, scores);
        double[] expected = [2 * first, second, 0, 0.5 * second];
        for (int i = 0; i < 4; i++) Assert.AreEqual(expected[i], scores[i], 1e-6 * expected[i]);
    }

    [TestMethod]
    public void Score_L2ToThePowerOfOne_IsWanda()
    {
        float[] weight = HessianTests.Inputs(Rows * Columns);
        using var statistics = new ActivationStatistics(Columns);
        statistics.Add(HessianTests.Inputs(40 * Columns, seed: 2));
        float[] wanda = new float[weight.Length], norm = new float[weight.Length];
        var block = new WeightBlock("w", 0, Rows, Columns, weight);
        new WandaCriterion().Score(block, statistics, wanda);
        new ActivationNormCriterion(ActivationNorm.L2).Score(block, statistics, norm);
        CollectionAssert.AreEqual(wanda, norm);
    }

    [TestMethod]
    public void Moments_AnyInputs_AgreeWithPlainSumsAndMerge()
    {
        const int tokens = 37;
        float[] inputs = HessianTests.Inputs(tokens * Columns, seed: 5);
        using var whole = new ActivationStatistics(Columns, StatisticsNeeds.Moments);
        whole.Add(inputs);
        using var first = new ActivationStatistics(Columns, StatisticsNeeds.Moments);
        using var second = new ActivationStatistics(Columns, StatisticsNeeds.Moments);
        first.Add(inputs.AsSpan(0, 20 * Columns));
        second.Add(inputs.AsSpan(20 * Columns));
        first.Merge(second);
        for (int i = 0; i < Columns; i++)
        {
            double[] values = [.. Enumerable.Range(0, tokens).Select(t => (double)inputs[t * Columns + i])];
            Assert.AreEqual(values.Sum(), whole.Sum[i], 1e-9);
            Assert.AreEqual(values.Sum(Math.Abs), whole.SumOfMagnitudes[i], 1e-9);
            Assert.AreEqual(values.Max(Math.Abs), whole.Largest[i]);
            Assert.AreEqual(whole.Sum[i], first.Sum[i], 1e-9);
            Assert.AreEqual(whole.SumOfMagnitudes[i], first.SumOfMagnitudes[i], 1e-9);
            Assert.AreEqual(whole.Largest[i], first.Largest[i]);
        }

        using var without = new ActivationStatistics(Columns);
        Assert.ThrowsExactly<InvalidOperationException>(() => without.Sum.Length);
        Assert.ThrowsExactly<ArgumentException>(() => first.Merge(without));
    }

    [TestMethod]
    public void Constructor_OutOfRange_SaysTheRange()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => new ActivationNormCriterion(ActivationNorm.L1, -1)).Message, "-1");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
            () => new ActivationNormCriterion((ActivationNorm)9)).Message, "9");
    }

    // L1 prefers many small weights to one large one, L2 the other way round.
    [TestMethod]
    [DataRow(WeightNorm.L1, true)]
    [DataRow(WeightNorm.L2, false)]
    public void Magnitude_Blocks_AreComparedByTheNorm(WeightNorm norm, bool keepsTheMany)
    {
        float[] weight = [1, 1, 1, 1, 0.1f, 3, 0.1f, 0.1f];
        var scores = new float[8];
        new MagnitudeCriterion(norm).Score(new WeightBlock("w", 0, 1, 8, weight), null, scores);
        WeightMask mask = MaskSelector.Select(
            new ArrayScores("w", 1, 8, scores), new BlockPattern(1, 4), ComparisonGroup.Tensor, 0.5);
        Assert.AreEqual(keepsTheMany, mask[0, 0]);
        Assert.AreEqual(!keepsTheMany, mask[0, 5]);
    }
}
