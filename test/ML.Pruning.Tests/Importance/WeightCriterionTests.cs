using ML.Pruning.Importance;

namespace ML.Pruning.Tests.Importance;

[TestClass]
public class WeightCriterionTests
{
    [TestMethod]
    public void Magnitude_AnyWeights_IsTheAbsoluteValue()
    {
        float[] weight = [1.5f, -2, 0, -0f, 1e-40f, -3e38f];
        var scores = new float[6];
        new MagnitudeCriterion().Score(new WeightBlock("w", 0, 2, 3, weight), null, scores);
        CollectionAssert.AreEqual(weight.Select(Math.Abs).ToArray(), scores);
    }

    [TestMethod]
    public void Random_ReadInPieces_AgreesWithTheWhole()
    {
        var criterion = new RandomCriterion(seed: 3);
        float[] whole = Random(criterion, "w", 0, 40);
        float[] pieces = [.. Random(criterion, "w", 25, 15), .. Random(criterion, "w", 0, 25)];
        CollectionAssert.AreEqual(whole, (float[])[.. pieces.Skip(15 * 30), .. pieces.Take(15 * 30)]);
    }

    [TestMethod]
    public void Random_OtherSeedOrName_GivesOtherScores()
    {
        float[] scores = Random(new RandomCriterion(0), "a", 0, 40);
        CollectionAssert.AreEqual(scores, Random(new RandomCriterion(0), "a", 0, 40));
        CollectionAssert.AreNotEqual(scores, Random(new RandomCriterion(1), "a", 0, 40));
        CollectionAssert.AreNotEqual(scores, Random(new RandomCriterion(0), "b", 0, 40));
    }

    [TestMethod]
    public void Random_ManyScores_AreUniformInTheUnitInterval()
    {
        float[] scores = Random(new RandomCriterion(5), "w", 0, 4000);
        Assert.IsTrue(scores.All(s => s is >= 0 and < 1));
        foreach (IGrouping<int, float> bin in scores.GroupBy(s => (int)(s * 10)))
            Assert.AreEqual(scores.Length / 10.0, bin.Count(), 6 * Math.Sqrt(scores.Length * 0.09), $"bin {bin.Key}");
    }

    [TestMethod]
    public void Score_WrongLength_NamesTheTensor()
    {
        var scores = new float[3];
        foreach (IWeightCriterion criterion in (IWeightCriterion[])[new MagnitudeCriterion(), new RandomCriterion()])
        {
            var e = Assert.ThrowsExactly<ArgumentException>(
                () => criterion.Score(new WeightBlock("some.w", 0, 2, 2, [1, 2, 3, 4]), null, scores));
            StringAssert.Contains(e.Message, "some.w");
        }
    }

    private static float[] Random(RandomCriterion criterion, string name, int firstRow, int rows)
    {
        const int Columns = 30;
        var scores = new float[rows * Columns];
        criterion.Score(new WeightBlock(name, firstRow, rows, Columns, new float[scores.Length]), null, scores);
        return scores;
    }
}
