using ML.Pruning.Inference;

namespace ML.Pruning.Tests.Inference;

/// <summary>Properties of the choice of a token; frequencies against the distribution.</summary>
[TestClass]
public sealed class TokenSamplerTests
{
    private const int Draws = 100_000;

    [TestMethod]
    public void Next_TemperatureZero_TakesTheFirstOfTheHighest() =>
        Assert.AreEqual(1, Sampler(0).Next([-3, 2, 2, 1]));

    [TestMethod]
    public void Next_ManyDraws_FollowTheSoftmaxAtTheTemperature()
    {
        float[] logits = [1, float.NegativeInfinity, 0, -1, 3];
        const double temperature = 2;
        double total = logits.Sum(l => Math.Exp(l / temperature));
        ExpectFrequencies(
            new GenerationOptions { Temperature = temperature, Seed = 5 },
            logits, [.. logits.Select(l => Math.Exp(l / temperature) / total)]);
    }

    // Weights 1, 8, 1, 4, 2: top-k leaves 8, 4, 2, 1 (token 0); top-p 0.9 of 15 leaves 8, 4, 2.
    [TestMethod]
    public void Next_ManyDrawsFiltered_FollowTheProbabilitiesWorkedByHand() => ExpectFrequencies(
        new GenerationOptions { Temperature = 1, TopK = 4, TopP = 0.9, MinP = 0.1, Seed = 6 },
        [.. new[] { 1, 8, 1, 4, 2 }.Select(w => (float)Math.Log(w))], [0, 8 / 14.0, 0, 4 / 14.0, 2 / 14.0]);

    [TestMethod]
    public void Next_TopKOfOne_IsGreedy()
    {
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 5, TopK = 1 }, []);
        for (int i = 0; i < 100; i++) Assert.AreEqual(2, sampler.Next([0, 0.5f, 1, 1]));
    }

    [TestMethod]
    public void Next_Penalty_CountsThePromptAndTheTokensChosen()
    {
        var sampler = new TokenSampler(new GenerationOptions { RepetitionPenalty = 2 }, [0]);

        // Token 0 counts half from the prompt on, token 1 once it is chosen.
        Assert.AreEqual(1, sampler.Next([4, 3, 1.75f]));
        Assert.AreEqual(0, sampler.Next([4, 3, 1.75f]));
        Assert.AreEqual(2, sampler.Next([3, 3, 1.75f]));
    }

    [TestMethod]
    public void Next_VeryLowTemperature_TakesTheHighestWithoutOverflow() =>
        Assert.AreEqual(2, Sampler(1e-300).Next([-80, 79, 80]));

    [TestMethod]
    public void Next_Streams_AreReproducibleAndDiffer()
    {
        (int Seed, int Stream)[] starts = [(1, 0), (1, 0), (1, 1), (1, 2), (2, 1), (1, 2)];
        string[] texts = [.. starts.Select(s => Sequence(s.Seed, s.Stream))];
        Assert.AreEqual(texts[0], texts[1]);
        Assert.AreEqual(texts[3], texts[5]);
        Assert.HasCount(4, texts.Distinct().ToArray());
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Next_LogitNotFinite_Throws(float value) =>
        Assert.Throws<InvalidOperationException>(() => Sampler(1).Next([1, value, 2]));

    private static TokenSampler Sampler(double temperature) =>
        new(new GenerationOptions { Temperature = temperature, Seed = 1 }, []);

    private static string Sequence(int seed, int stream)
    {
        var sampler = new TokenSampler(new GenerationOptions { Temperature = 1, Seed = seed }, [], stream);
        return string.Join(' ', Enumerable.Range(0, 40).Select(_ => sampler.Next([1, 1, 1, 1])));
    }

    // Pearson's chi-square against its 0.999 quantile for so many degrees of freedom; the seed is fixed.
    private static void ExpectFrequencies(GenerationOptions options, float[] logits, double[] probabilities)
    {
        double[] quantiles = [0, 10.83, 13.82, 16.27, 18.47];
        var sampler = new TokenSampler(options, []);
        var counts = new int[logits.Length];
        for (int i = 0; i < Draws; i++) counts[sampler.Next(logits)]++;
        double statistic = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            if (probabilities[i] == 0) Assert.AreEqual(0, counts[i]);
            else statistic += Math.Pow(counts[i] - probabilities[i] * Draws, 2) / (probabilities[i] * Draws);
        }

        Assert.IsLessThan(quantiles[probabilities.Count(p => p > 0) - 1], statistic);
    }
}
