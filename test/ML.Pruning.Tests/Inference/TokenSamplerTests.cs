using ML.Pruning.Inference;

namespace ML.Pruning.Tests.Inference;

/// <summary>Properties of the choice of a token; frequencies against the softmax.</summary>
[TestClass]
public sealed class TokenSamplerTests
{
    [TestMethod]
    public void Next_TemperatureZero_TakesTheFirstOfTheHighest() =>
        Assert.AreEqual(1, new TokenSampler(0, 1).Next([-3, 2, 2, 1]));

    [TestMethod]
    public void Next_ManyDraws_FollowTheSoftmaxAtTheTemperature()
    {
        float[] logits = [1, float.NegativeInfinity, 0, -1, 3];
        const double temperature = 2;
        const int draws = 100_000;
        var sampler = new TokenSampler(temperature, 5);
        var counts = new int[logits.Length];
        for (int i = 0; i < draws; i++) counts[sampler.Next(logits)]++;
        double total = logits.Sum(l => Math.Exp(l / temperature));
        for (int i = 0; i < counts.Length; i++)
        {
            double p = Math.Exp(logits[i] / temperature) / total;

            // Five standard deviations of a binomial count.
            Assert.AreEqual(p * draws, counts[i], 5 * Math.Sqrt(draws * p * (1 - p)));
        }
    }

    [TestMethod]
    public void Next_VeryLowTemperature_TakesTheHighestWithoutOverflow() =>
        Assert.AreEqual(2, new TokenSampler(1e-300, 1).Next([-80, 79, 80]));

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Next_LogitNotFinite_Throws(float value) =>
        Assert.Throws<InvalidOperationException>(() => new TokenSampler(1, 1).Next([1, value, 2]));
}
