using ML.Pruning.Calibration;

namespace ML.Pruning.Tests.Calibration;

[TestClass]
public class GradientStatisticsTests
{
    private const StatisticsNeeds Both = StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient;

    [TestMethod]
    public void Add_WorkedByHand_SumsGradientsAndTheirSquares()
    {
        var statistics = new GradientStatistics(3, Both);
        statistics.Add([1, -2, 0.5f]);
        statistics.Add([3, 2, -0.25f]);
        CollectionAssert.AreEqual(new[] { 4, 0, 0.25 }, statistics.SumOfGradients.ToArray());
        CollectionAssert.AreEqual(new[] { 10, 8, 0.3125 }, statistics.SumOfSquares.ToArray());
        Assert.IsTrue(statistics.Movement.IsEmpty);
        Assert.AreEqual(2, statistics.WindowCount);
    }

    [TestMethod]
    public void Add_LongerThanOneTask_SumsEveryWeight()
    {
        const int Count = 50_001;
        var random = new Random(1);
        float[][] gradients = [.. Enumerable.Range(0, 3).Select(
            _ => (float[])[.. Enumerable.Range(0, Count).Select(_ => random.NextSingle() - 0.5f)])];
        var statistics = new GradientStatistics(Count, Both);
        foreach (float[] gradient in gradients) statistics.Add(gradient);
        for (int i = 0; i < Count; i++)
        {
            Assert.AreEqual(gradients.Sum(g => (double)g[i]), statistics.SumOfGradients[i], 1e-15);
            Assert.AreEqual(gradients.Sum(g => (double)g[i] * g[i]), statistics.SumOfSquares[i], 1e-15);
        }
    }

    [TestMethod]
    public void AddStep_FixedGradients_IsTheClosedForm()
    {
        // S_T = - rate sum over t of g_t w_t.
        const double Rate = 0.125;
        float[][] weights = [[1, -2, 3], [2, -1, 3], [4, 0, -3]];
        float[][] gradients = [[1, 1, -1], [-2, 0.5f, 0], [0.25f, 7, 1]];
        var statistics = new GradientStatistics(3, StatisticsNeeds.Movement);
        for (int t = 0; t < 3; t++) statistics.AddStep(weights[t], gradients[t], Rate);
        double[] expected = [.. Enumerable.Range(0, 3).Select(
            i => -Rate * Enumerable.Range(0, 3).Sum(t => (double)gradients[t][i] * weights[t][i]))];
        CollectionAssert.AreEqual(expected, statistics.Movement.ToArray());
        CollectionAssert.AreEqual(new[] { 0.25, 0.3125, 0.75 }, expected);
        Assert.AreEqual(3, statistics.StepCount);
    }

    [TestMethod]
    public void IsFinite_AfterABadGradient_IsFalse()
    {
        var statistics = new GradientStatistics(2, StatisticsNeeds.SquaredGradient);
        statistics.Add([1, 2]);
        Assert.IsTrue(statistics.IsFinite);
        statistics.Add([1, float.NaN]);
        Assert.IsFalse(statistics.IsFinite);
    }

    [TestMethod]
    public void Members_WithWrongArguments_Throw()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new GradientStatistics(3, StatisticsNeeds.SumSquares));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new GradientStatistics(0, Both));
        var statistics = new GradientStatistics(3, Both);
        Assert.ThrowsExactly<ArgumentException>(() => statistics.Add([1, 2]));
        Assert.ThrowsExactly<ArgumentException>(() => statistics.Add([1, 2, 3], windows: 2));
        Assert.ThrowsExactly<InvalidOperationException>(() => statistics.AddStep([1, 2, 3], [1, 2, 3], 1));
    }
}
