using ML.Pruning.Calibration;
using ML.Pruning.Importance;

namespace ML.Pruning.Tests.Importance;

[TestClass]
public class GradientCriterionTests
{
    private const int Rows = 7;
    private const int Columns = 33;
    private const StatisticsNeeds All =
        StatisticsNeeds.Gradient | StatisticsNeeds.SquaredGradient | StatisticsNeeds.Movement;

    [TestMethod]
    [DataRow("taylor-first", new[] { 6f, 0f, 1f })]
    [DataRow("taylor-second", new[] { 22.5f, 32f, 85f })]
    [DataRow("taylor-mix", new[] { 16.5f, 32f, 86f })]
    [DataRow("snip", new[] { 6f, 0f, 1f })]
    [DataRow("movement-score", new[] { -0.5f, 3f, 8f })]
    public void Score_WorkedByHand_FollowsTheFormula(string name, float[] expected)
    {
        // Gradients of two windows (1, 4, 3) and (3, -4, -3.5): g = (2, 0, -0.25), F = (5, 16, 10.625).
        var statistics = new GradientStatistics(3, All);
        statistics.Add([1, 4, 3]);
        statistics.Add([3, -4, -3.5f]);
        statistics.AddStep([2, -4, 8], [0.5f, 1.5f, -2], 0.5);
        CollectionAssert.AreEqual(expected, Score(Criterion(name), [3, -2, 4], statistics));
    }

    [TestMethod]
    public void TaylorFirst_LinearLoss_IsTheChangeOfTheLoss()
    {
        // L(w) = c . w has the gradient c everywhere: setting a weight to zero changes L by - c w exactly.
        float[] c = Gaussian(1), weight = Gaussian(2);
        var statistics = new GradientStatistics(weight.Length, StatisticsNeeds.Gradient);
        statistics.Add(c);
        float[] scores = Score(new TaylorCriterion(), weight, statistics);
        double loss = Loss(weight);
        for (int i = 0; i < weight.Length; i++)
        {
            float[] without = [.. weight];
            without[i] = 0;
            Assert.AreEqual(Math.Abs(Loss(without) - loss), scores[i], 1e-6 * scores[i] + 1e-12);
        }

        double Loss(float[] w) => w.Zip(c, (a, b) => (double)a * b).Sum();
    }

    [TestMethod]
    public void TaylorSecond_IsTheExpectedRiseOfAQuadraticLossAtItsMinimum()
    {
        // L(v) = 1/2 sum F (v - w)^2 has the diagonal Hessian F and its minimum at w: v_i = 0 costs w_i^2 F_i / 2.
        float[] root = Gaussian(3), weight = Gaussian(4);
        var statistics = new GradientStatistics(weight.Length, StatisticsNeeds.SquaredGradient);
        statistics.Add(root);
        float[] scores = Score(new TaylorCriterion(TaylorOrder.Second), weight, statistics);
        for (int i = 0; i < weight.Length; i++)
        {
            double rise = 0.5 * ((double)root[i] * root[i]) * Math.Pow(0 - (double)weight[i], 2);
            Assert.AreEqual(rise, scores[i], 1e-6 * rise);
        }
    }

    [TestMethod]
    public void TaylorFirst_SumOverAVector_IsAtLeastTheVectorsOwn()
    {
        float[] weight = Gaussian(5);
        var statistics = new GradientStatistics(weight.Length, StatisticsNeeds.Gradient);
        statistics.Add(Gaussian(6));
        statistics.Add(Gaussian(7));
        float[] scores = Score(new TaylorCriterion(), weight, statistics);
        bool isStrict = false;
        for (int row = 0; row < Rows; row++)
        {
            double elements = 0, vector = 0;
            for (int i = row * Columns; i < (row + 1) * Columns; i++)
            {
                elements += scores[i];
                vector += weight[i] * statistics.SumOfGradients[i] / 2;
            }

            Assert.IsGreaterThanOrEqualTo(Math.Abs(vector) * (1 - 1e-6), elements);
            isStrict |= elements > 1.1 * Math.Abs(vector);
        }

        Assert.IsTrue(isStrict);
    }

    [TestMethod]
    public void TaylorMix_FisherTowardsZero_TendsToFirst()
    {
        // Gradients scaled by e scale the first term by e and the second by e^2.
        float[] weight = Gaussian(8), gradient = Gaussian(9);
        double previous = double.PositiveInfinity;
        foreach (float scale in (float[])[1, 0.125f, 1 / 64f, 1 / 4096f])
        {
            var statistics = new GradientStatistics(weight.Length, All);
            statistics.Add([.. gradient.Select(g => scale * g)]);
            float[] mixed = Score(new TaylorCriterion(TaylorOrder.Mixed), weight, statistics);
            float[] first = Score(new TaylorCriterion(TaylorOrder.First), weight, statistics);
            double difference = mixed.Zip(first, (m, f) => Math.Abs(m / f - 1.0)).Max();
            Assert.IsLessThan(previous, difference);
            previous = difference;
        }

        Assert.IsLessThan(2e-3, previous);
    }

    [TestMethod]
    public void Score_ReadInPieces_AgreesWithTheWhole()
    {
        float[] weight = Gaussian(10);
        var statistics = new GradientStatistics(weight.Length, All);
        statistics.Add(Gaussian(11));
        statistics.AddStep(Gaussian(12), Gaussian(13), 0.1);
        foreach (IWeightCriterion criterion in Criteria())
        {
            float[] whole = Score(criterion, weight, statistics);
            var piece = new float[2 * Columns];
            criterion.Score(new WeightBlock("w", 4, 2, Columns, weight.AsSpan(4 * Columns, piece.Length))
            {
                Gradients = statistics,
            }, null, piece);
            CollectionAssert.AreEqual(whole[(4 * Columns)..(6 * Columns)], piece, criterion.Name);
        }
    }

    [TestMethod]
    public void Score_StatisticsMissingOrUnfit_NamesTheTensor()
    {
        var shorter = new GradientStatistics(3, All);
        shorter.Add([1, 2, 3]);
        shorter.AddStep([1, 2, 3], [1, 2, 3], 1);
        foreach (IWeightCriterion criterion in Criteria())
        {
            StatisticsNeeds other = criterion.Needs == StatisticsNeeds.Movement
                ? StatisticsNeeds.Gradient
                : StatisticsNeeds.Movement;
            GradientStatistics?[] unfit =
                [null, shorter, new GradientStatistics(4, All), new GradientStatistics(4, other)];
            foreach (GradientStatistics? statistics in unfit)
            {
                var e = Assert.ThrowsExactly<ArgumentException>(() => criterion.Score(
                    new WeightBlock("layers.7.w", 0, 2, 2, [1, 2, 3, 4]) { Gradients = statistics }, null,
                    new float[4]));
                StringAssert.Contains(e.Message, "layers.7.w");
            }
        }
    }

    [TestMethod]
    public void Constructors_OptionsOutOfRange_Throw()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new TaylorCriterion((TaylorOrder)7));
        foreach (MovementOptions options in (MovementOptions[])
            [new() { Steps = 0 }, new() { BatchSize = 0 }, new() { LearningRate = 0 },
            new() { LearningRate = double.NaN }, new() { Optimizer = (MovementOptimizer)9 }])
        {
            Assert.ThrowsExactly<ArgumentException>(() => new MovementCriterion(options));
        }
    }

    private static IWeightCriterion[] Criteria() =>
        [new TaylorCriterion(), new TaylorCriterion(TaylorOrder.Second), new TaylorCriterion(TaylorOrder.Mixed),
            new SnipCriterion(), new MovementCriterion()];

    private static IWeightCriterion Criterion(string name) => Criteria().Single(c => c.Name == name);

    private static float[] Score(IWeightCriterion criterion, float[] weight, GradientStatistics statistics)
    {
        var scores = new float[weight.Length];
        int columns = weight.Length % Columns == 0 ? Columns : weight.Length;
        criterion.Score(new WeightBlock("w", 0, weight.Length / columns, columns, weight) { Gradients = statistics },
            null, scores);
        return scores;
    }

    private static float[] Gaussian(int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, Rows * Columns).Select(_ =>
            (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
