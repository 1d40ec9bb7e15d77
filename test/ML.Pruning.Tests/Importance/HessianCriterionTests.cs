using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Calibration;
using ML.Pruning.Tests.Pruning;

namespace ML.Pruning.Tests.Importance;

/// <summary>Criteria from the layer's Hessian: what they predict is what happens.</summary>
[TestClass]
public class HessianCriterionTests
{
    private const int Rows = 3;
    private const int Columns = 10;

    private static readonly float[] s_weight = HessianTests.Inputs(Rows * Columns, seed: 6);

    [TestMethod]
    public void Obd_OneWeightGone_PredictsTheRiseOfTheLoss()
    {
        using ActivationStatistics statistics = Statistics();
        double[] hessian = HessianTests.Copy(statistics);
        float[] scores = Score(new ObdCriterion(), statistics);
        for (int i = 0; i < s_weight.Length; i++)
        {
            double[] after = Array.ConvertAll(s_weight, w => (double)w);
            after[i] = 0;
            double rise = Float64SparseGpt.Error(s_weight, after, hessian) / 2;
            Assert.AreEqual(rise, scores[i], 1e-6 * rise);
        }
    }

    [TestMethod]
    public void Obd_ManyWeightsOfADiagonalHessian_AddUp()
    {
        var inputs = new float[Columns * Columns];
        for (int i = 0; i < Columns; i++) inputs[i * Columns + i] = i + 1;
        using ActivationStatistics statistics = HessianTests.Seen(inputs, Columns);
        float[] scores = Score(new ObdCriterion(), statistics);
        double[] after = [.. s_weight.Select((w, i) => i % 3 == 0 ? 0 : (double)w)];
        double rise = Float64SparseGpt.Error(s_weight, after, HessianTests.Copy(statistics)) / 2;
        Assert.AreEqual(scores.Where((_, i) => i % 3 == 0).Sum(s => (double)s), rise, 1e-6 * rise);
    }

    [TestMethod]
    public void Obs_OneWeightGoneAndTheOthersMoved_PredictsTheRiseOfTheLoss()
    {
        using ActivationStatistics statistics = Statistics();
        double[] damped = HessianTests.Damped(HessianTests.Copy(statistics), Columns, 0.01);
        float[] scores = Score(new ObsCriterion(), statistics);
        for (int i = 0; i < s_weight.Length; i++)
        {
            var mask = new WeightMask(Rows, Columns);
            WeightMask.Remove(mask.Words(i / Columns), i % Columns);
            float[] after = [.. s_weight];
            double rise = new LeastSquaresUpdate().Update("w", after, mask, statistics, default).SquaredError / 2;
            Assert.AreEqual(rise, scores[i], 1e-5 * rise + 1e-9);
            Assert.AreEqual(rise, Float64SparseGpt.Error(
                s_weight, Array.ConvertAll(after, w => (double)w), damped) / 2, 1e-4 * rise + 1e-6);
        }
    }

    [TestMethod]
    public void SparseGpt_FirstColumn_IsTwiceObsAndLastColumnIsTwiceObd()
    {
        // The first column has all others to make up for it, the last one none; damping counts as part of the Hessian.
        using ActivationStatistics statistics = Statistics();
        double[] damped = HessianTests.Damped(HessianTests.Copy(statistics), Columns, 0.01);
        float[] scores = Score(new SparseGptCriterion(), statistics), obs = Score(new ObsCriterion(), statistics);
        for (int row = 0; row < Rows; row++)
        {
            Assert.AreEqual(2 * obs[row * Columns], scores[row * Columns], 1e-6 * scores[row * Columns]);
            int last = row * Columns + Columns - 1;
            double expected = (double)s_weight[last] * s_weight[last] * damped[^1];
            Assert.AreEqual(expected, scores[last], 1e-6 * expected);
        }
    }

    [TestMethod]
    public void Score_DeadColumn_IsZero()
    {
        float[] inputs = HessianTests.Inputs(Columns * 50, seed: 7);
        for (int i = 4; i < inputs.Length; i += Columns) inputs[i] = 0;
        using ActivationStatistics statistics = HessianTests.Seen(inputs, Columns);
        foreach (IWeightCriterion criterion in All())
        {
            float[] scores = Score(criterion, statistics);
            for (int i = 0; i < scores.Length; i++) Assert.AreEqual(i % Columns == 4, scores[i] == 0, criterion.Name);
        }
    }

    [TestMethod]
    public void Score_HessianReleased_WorksAfterPrepareOnly()
    {
        foreach (IWeightCriterion criterion in All().Skip(1))
        {
            using ActivationStatistics prepared = Statistics(), other = Statistics();
            float[] expected = Score(criterion, other);
            criterion.Prepare(prepared);
            prepared.Dispose();
            CollectionAssert.AreEqual(expected, Score(criterion, prepared));
            using ActivationStatistics gone = Statistics();
            gone.Dispose();
            Assert.ThrowsExactly<InvalidOperationException>(() => Score(criterion, gone));
        }
    }

    [TestMethod]
    public void Constructors_OutOfRange_SayTheRange()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new ObsCriterion(-0.1));
        Assert.ThrowsExactly<ArgumentException>(() => new SparseGptCriterion(double.NaN));
        Assert.ThrowsExactly<ArgumentException>(() => new SparseGptCriterion(blockSize: 0));
        Assert.ThrowsExactly<ArgumentException>(() => new LeastSquaresUpdate(double.PositiveInfinity));
    }

    private static IWeightCriterion[] All() => [new ObdCriterion(), new ObsCriterion(), new SparseGptCriterion()];

    private static float[] Score(IWeightCriterion criterion, ActivationStatistics statistics)
    {
        var scores = new float[s_weight.Length];
        criterion.Score(new WeightBlock("w", 0, Rows, Columns, s_weight), statistics, scores);
        return scores;
    }

    private static ActivationStatistics Statistics()
    {
        float[] inputs = HessianTests.Inputs(Columns * 60, seed: 8);
        for (int i = 0; i < inputs.Length; i++) inputs[i] += inputs[i / Columns * Columns];
        return HessianTests.Seen(inputs, Columns);
    }
}
