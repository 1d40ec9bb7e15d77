using ML.Pruning.Inference;

namespace ML.Pruning.Tests.Inference;

/// <summary>Oracle: sets and probabilities worked out by hand. The tokens 0 to 4 have the weights 1, 8, 1, 4, 2, that
/// is the probabilities 1/16, 8/16, 1/16, 4/16, 2/16.</summary>
[TestClass]
public sealed class TokenDistributionTests
{
    private static readonly float[] s_logits = [.. new[] { 1, 8, 1, 4, 2 }.Select(w => (float)Math.Log(w))];
    private static readonly GenerationOptions s_sampling = new() { Temperature = 1 };

    [TestMethod]
    public void Update_AllOff_IsTheSoftmaxInOrderWithTheLowerIdFirst() =>
        Expect(s_sampling, [1, 3, 4, 0, 2], [8 / 16.0, 4 / 16.0, 2 / 16.0, 1 / 16.0, 1 / 16.0]);

    [TestMethod]
    public void Update_Temperature_IsThePowerOfTheWeights() =>
        Expect(s_sampling with { Temperature = 0.5 }, [1, 3, 4, 0, 2],
            [64 / 86.0, 16 / 86.0, 4 / 86.0, 1 / 86.0, 1 / 86.0]);

    [TestMethod]
    public void Update_TopK_KeepsSoManyAndOfEqualsTheLowerId() =>
        Expect(s_sampling with { TopK = 4 }, [1, 3, 4, 0], [8 / 15.0, 4 / 15.0, 2 / 15.0, 1 / 15.0]);

    [TestMethod]
    public void Update_TopKBeyondTheVocabulary_KeepsAll() =>
        Expect(s_sampling with { TopK = 100 }, [1, 3, 4, 0, 2], [8 / 16.0, 4 / 16.0, 2 / 16.0, 1 / 16.0, 1 / 16.0]);

    [TestMethod]
    public void Update_TopP_KeepsTheFewestThatReachTheSum()
    {
        Expect(s_sampling with { TopP = 0.7 }, [1, 3], [2 / 3.0, 1 / 3.0]);
        Expect(s_sampling with { TopP = 0.8 }, [1, 3, 4], [4 / 7.0, 2 / 7.0, 1 / 7.0]);
        Expect(s_sampling with { TopP = 0.49 }, [1], [1]);
        Expect(s_sampling with { TopP = double.Epsilon }, [1], [1]);
    }

    [TestMethod]
    public void Update_MinP_KeepsTheShareOfTheLikeliest()
    {
        Expect(s_sampling with { MinP = 0.2 }, [1, 3, 4], [4 / 7.0, 2 / 7.0, 1 / 7.0]);
        Expect(s_sampling with { MinP = 0.51 }, [1], [1]);
        Expect(s_sampling with { MinP = 1 }, [1], [1]);
    }

    [TestMethod]
    public void Update_MinPOfOne_KeepsAllThatEqualTheLikeliest()
    {
        var distribution = new TokenDistribution(s_sampling with { MinP = 1 });
        distribution.Update([2, 1, 2], new HashSet<int>());
        CollectionAssert.AreEqual(new[] { 0, 2 }, distribution.Ids.ToArray());
    }

    // After top-k the likeliest has 2/3, before it 1/2: only in this order does top-p 0.6 leave one token.
    [TestMethod]
    public void Update_TopKAndTopP_TopPSeesWhatTopKLeaves() =>
        Expect(s_sampling with { TopK = 2, TopP = 0.6 }, [1], [1]);

    // At temperature 1/2 the likeliest has 64/86 = 0.74, and the shares are 1, 1/4, 1/16.
    [TestMethod]
    public void Update_TemperatureAndFilters_TheFiltersSeeTheTemperature()
    {
        Expect(s_sampling with { Temperature = 0.5, TopP = 0.7 }, [1], [1]);
        Expect(s_sampling with { Temperature = 0.5, MinP = 0.2 }, [1, 3], [0.8, 0.2]);
    }

    // Halved logits are square roots of weights: token 1 has sqrt(8), token 3 has 2.
    [TestMethod]
    public void Update_RepetitionPenalty_DividesPositiveLogits()
    {
        double total = Math.Sqrt(8) + 6;
        Expect(s_sampling with { RepetitionPenalty = 2 }, [1, 3, 4, 0, 2],
            [Math.Sqrt(8) / total, 2 / total, 2 / total, 1 / total, 1 / total], seen: [1, 3, 0]);
    }

    // Scores 1, -2, 0.5 after the penalty.
    [TestMethod]
    public void Update_RepetitionPenalty_MultipliesNegativeLogits()
    {
        double total = Math.Exp(1) + Math.Exp(-2) + Math.Exp(0.5);
        Expect(s_sampling with { RepetitionPenalty = 2 }, [0, 2, 1],
            [Math.Exp(1) / total, Math.Exp(0.5) / total, Math.Exp(-2) / total], [2, -1, 0.5f], [0, 1]);
    }

    // The penalty takes token 1 from weight 8 to its square root: below token 3, above token 4.
    [TestMethod]
    public void Update_RepetitionPenaltyAndTopK_TopKSeesThePenalty() => Expect(
        s_sampling with { RepetitionPenalty = 2, TopK = 2 }, [3, 1],
        [4 / (4 + Math.Sqrt(8)), Math.Sqrt(8) / (4 + Math.Sqrt(8))], seen: [1]);

    [TestMethod]
    [DataRow(1e-300)]
    [DataRow(1e300)]
    public void Update_ExtremePenalty_StaysFinite(double penalty)
    {
        var distribution = new TokenDistribution(s_sampling with { RepetitionPenalty = penalty });
        distribution.Update([3e38f, -3e38f, float.NegativeInfinity, 1], new HashSet<int> { 0, 1, 2 });
        Assert.AreEqual(1, distribution.Probabilities.ToArray().Sum(), 1e-12);
        CollectionAssert.AreEqual(penalty > 1 ? new[] { 3, 0, 1, 2 } : [0, 3, 1, 2], distribution.Ids.ToArray());
    }

    [TestMethod]
    public void Likeliest_Penalty_IsAfterItAndTheLowestIdOfEquals()
    {
        var options = new GenerationOptions { RepetitionPenalty = 2 };
        Assert.AreEqual(1, new TokenDistribution(options).Likeliest([2, 1.5f], new HashSet<int> { 0 }));
        Assert.AreEqual(0, new TokenDistribution(options).Likeliest([2, 1], new HashSet<int> { 0 }));
        Assert.AreEqual(0, new TokenDistribution(options).Likeliest([-1, -1.5f], new HashSet<int> { 1 }));
        Assert.AreEqual(1, new TokenDistribution(options).Likeliest([-1, -1.5f], new HashSet<int> { 0 }));
    }

    private static void Expect(
        GenerationOptions options, int[] ids, double[] probabilities, float[]? logits = null, int[]? seen = null)
    {
        var distribution = new TokenDistribution(options);
        distribution.Update(logits ?? s_logits, seen?.ToHashSet() ?? []);
        CollectionAssert.AreEqual(ids, distribution.Ids.ToArray());

        // The float32 logits are within 2^-24 of the logarithms, relative; the largest is 2.1.
        for (int i = 0; i < ids.Length; i++) Assert.AreEqual(probabilities[i], distribution.Probabilities[i], 1e-6);
    }
}
