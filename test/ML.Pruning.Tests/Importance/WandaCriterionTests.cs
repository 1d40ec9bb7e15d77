using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Importance;

[TestClass]
public class WandaCriterionTests
{
    private const int Rows = 23;
    private const int Columns = 172;

    [TestMethod]
    public void Score_WorkedByHand_IsMagnitudeTimesNorm()
    {
        // Two tokens: feature norms 5 = |(3, 4)| and 13 = |(5, 12)|.
        var statistics = new ActivationStatistics(2);
        statistics.Add([3, 5, 4, 12]);
        var scores = new float[4];
        new WandaCriterion().Score(new WeightBlock("w", 0, 2, 2, [2, -1, 0, 0.5f]), statistics, scores);
        CollectionAssert.AreEqual(new[] { 10f, 13f, 0f, 6.5f }, scores);

        // Of row 0 the larger weight goes, because its input is small.
        WeightMask mask = Select(scores, 2, 2, ComparisonGroup.Row);
        CollectionAssert.AreEqual(new[] { false, true, false, true }, Bits(mask));
    }

    [TestMethod]
    public void Mask_EqualFeatureNorms_IsMagnitudeByRow()
    {
        float[] weight = Gaussian(Rows * Columns, 1);
        ActivationStatistics statistics = Statistics(_ => 0.7f);
        WeightMask wanda = Select(Score(weight, statistics), Rows, Columns, ComparisonGroup.Row);
        var magnitudes = new float[weight.Length];
        new MagnitudeCriterion().Score(new WeightBlock("w", 0, Rows, Columns, weight), null, magnitudes);
        Assert.AreEqual(Select(magnitudes, Rows, Columns, ComparisonGroup.Row), wanda);
    }

    [TestMethod]
    public void Mask_UnequalFeatureNorms_DiffersFromMagnitude()
    {
        float[] weight = Gaussian(Rows * Columns, 1);
        WeightMask equal = Select(Score(weight, Statistics(_ => 1)), Rows, Columns, ComparisonGroup.Row);
        WeightMask unequal = Select(Score(weight, Statistics(i => 1 + i)), Rows, Columns, ComparisonGroup.Row);
        Assert.AreNotEqual(equal, unequal);
    }

    [TestMethod]
    [DataRow(0.5)]
    [DataRow(0.37)]
    [DataRow(0.999)]
    public void Mask_AnySparsity_RemovesTheSameNumberInEachRow(double sparsity)
    {
        float[] scores = Score(Gaussian(Rows * Columns, 2), Statistics(i => 1 + i % 7));
        WeightMask mask = MaskSelector.Select(
            new ArrayScores("w", Rows, Columns, scores), SparsityPattern.Unstructured, ComparisonGroup.Row, sparsity);
        foreach (bool[] row in Bits(mask).Chunk(Columns))
            Assert.AreEqual((int)(Columns * sparsity), row.Count(kept => !kept));
    }

    [TestMethod]
    public void Mask_InputsScaled_StaysTheSame()
    {
        float[] weight = Gaussian(Rows * Columns, 3);
        WeightMask once = Select(Score(weight, Statistics(i => 0.1f + i % 13)), Rows, Columns, ComparisonGroup.Row);
        WeightMask scaled =
            Select(Score(weight, Statistics(i => 16 * (0.1f + i % 13))), Rows, Columns, ComparisonGroup.Row);
        Assert.AreEqual(once, scaled);
    }

    [TestMethod]
    public void Mask_RowsScaled_StaysTheSame()
    {
        float[] weight = Gaussian(Rows * Columns, 4);
        float[] scaled = [.. weight.Select((w, i) => w * MathF.ScaleB(1, i / Columns % 9 - 4))];
        ActivationStatistics statistics = Statistics(i => 0.1f + i % 13);
        Assert.AreEqual(
            Select(Score(weight, statistics), Rows, Columns, ComparisonGroup.Row),
            Select(Score(scaled, statistics), Rows, Columns, ComparisonGroup.Row));
        Assert.AreNotEqual(
            Select(Score(weight, statistics), Rows, Columns, ComparisonGroup.Tensor),
            Select(Score(scaled, statistics), Rows, Columns, ComparisonGroup.Tensor));
    }

    [TestMethod]
    public void Score_StatisticsMissingOrUnfit_NamesTheTensor()
    {
        var scores = new float[4];
        foreach (ActivationStatistics? statistics in new[] { null, new ActivationStatistics(2), Seen(3) })
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => new WandaCriterion().Score(
                new WeightBlock("layers.7.w", 0, 2, 2, [1, 2, 3, 4]), statistics, scores));
            StringAssert.Contains(e.Message, "layers.7.w");
        }
    }

    private static ActivationStatistics Seen(int features)
    {
        var statistics = new ActivationStatistics(features);
        statistics.Add(new float[features]);
        return statistics;
    }

    private static ActivationStatistics Statistics(Func<int, float> norm)
    {
        var statistics = new ActivationStatistics(Columns);
        statistics.Add([.. Enumerable.Range(0, Columns).Select(norm)]);
        return statistics;
    }

    private static float[] Score(float[] weight, ActivationStatistics statistics)
    {
        var scores = new float[weight.Length];
        new WandaCriterion().Score(new WeightBlock("w", 0, Rows, Columns, weight), statistics, scores);
        return scores;
    }

    private static WeightMask Select(float[] scores, int rows, int columns, ComparisonGroup group) =>
        MaskSelector.Select(new ArrayScores("w", rows, columns, scores), SparsityPattern.Unstructured, group, 0.5);

    private static bool[] Bits(WeightMask mask) =>
        [.. Enumerable.Range(0, (int)mask.Count).Select(i => mask[i / mask.Columns, i % mask.Columns])];

    private static float[] Gaussian(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ =>
            (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
