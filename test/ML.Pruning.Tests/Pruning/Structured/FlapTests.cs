using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Models.Families;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

[TestClass]
public sealed class FlapTests
{
    private static readonly ModelSpec s_biased = RandomModel.Llama with { QueryKeyValueBias = true, MlpBias = true };

    /// <summary>Identity: a head and neurons whose outputs are constant score lowest, and what they gave stands in the
    /// bias: the smaller model gives the logits of the big one.</summary>
    [TestMethod]
    [DataRow(FlapStructure.UlUm, 0)]
    [DataRow(FlapStructure.UlMm, 2)]
    [DataRow(FlapStructure.AlMm, 2)]
    public void Prune_ConstantHeadAndNeurons_LeavesTheLogitsUnchanged(FlapStructure structure, int heads)
    {
        using var folder = new TestFolder();
        using LanguageModel random = RandomModel.Create(s_biased);
        var changed = new Dictionary<string, float[]>();
        foreach (int layer in new[] { 0, 1 })
        {
            // Rows without weights give their bias, whatever they read.
            Clear(TensorNames.Weight(layer, TensorNames.Value), 4, 4);
            Clear(TensorNames.Weight(layer, TensorNames.Gate), 6, 12);
            Clear(TensorNames.Weight(layer, TensorNames.Up), 6, 12);
        }

        using LanguageModel model = PrunedModels.With(random, changed);

        // One of two heads and 12 of 24 neurons of each layer.
        PruningResult result = Pruner.PruneWithWindows(model,
            new Flap { Structure = structure, RemovedHeads = heads, Ratio = 0.5 }, Windows(model.Spec),
            PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        foreach (FamilyReport family in result.Report.Structure!.Families)
        {
            CollectionAssert.AreEqual(family.Kind == GroupKind.Heads ? [1] : Enumerable.Range(6, 12).ToArray(),
                family.Removed.ToArray());
        }

        int[] tokens = RandomModel.Tokens(model.Spec, 20, seed: 5);
        double[] expected = [.. FamilyFolder.Logits(model, tokens).Select(v => (double)v)];
        FamilyFolder.AssertClose([expected], FamilyFolder.Logits(pruned, tokens));

        void Clear(string name, int firstRow, int rows)
        {
            float[] values = random.Weights[name].ToArray();
            values.AsSpan(firstRow * 16, rows * 16).Clear();
            changed[name] = values;
        }
    }

    /// <summary>Oracle: the formulas, in float64, from inputs that are listed.</summary>
    [TestMethod]
    [DataRow(FluctuationMetric.Ifv)]
    [DataRow(FluctuationMetric.Wifv)]
    [DataRow(FluctuationMetric.Wifn)]
    public void Score_SmallMatrix_IsTheFormula(FluctuationMetric metric)
    {
        float[] inputs = [1, 2, 3, 2, 0, 3, 4, -1, 3, 9, 5, 3];
        float[] weight = [1, -2, 5, 0.5f, 3, -7];
        using var statistics = new ActivationStatistics(3, StatisticsNeeds.Moments);
        statistics.Add(inputs);
        double[] scores = FluctuationScores.Of(metric, new ArrayTensor("w", weight, [2, 3]), statistics);
        for (int j = 0; j < 3; j++)
        {
            double[] x = [.. Enumerable.Range(0, 4).Select(t => (double)inputs[3 * t + j])];
            double variance = x.Sum(v => Math.Pow(v - x.Average(), 2)) / 3;
            double expected = metric switch
            {
                FluctuationMetric.Ifv => variance,
                FluctuationMetric.Wifv => variance * (weight[j] * weight[j] + weight[3 + j] * weight[3 + j]),
                _ => Math.Sqrt(variance) * (Math.Abs(weight[j]) + Math.Abs(weight[3 + j])) / 2,
            };
            Assert.AreEqual(expected, scores[j], 1e-9 * Math.Max(1, expected));
        }

        Assert.AreEqual(0, scores[2]);
    }

    /// <summary>The published cost of a head of LLaMA-7B: 512 / 3 neurons.</summary>
    [TestMethod]
    public void Cost_OfLlama7BHead_IsThePublishedOne()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig("""
            { "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
              "num_hidden_layers": 2, "vocab_size": 32000 }
            """));
        DependencyGraph graph = DependencyGraph.Of(spec);
        double heads = GroupScorer.WeightsOf(spec, graph.Family(GroupKind.Heads, 0)[0]);
        Assert.AreEqual(170.67, heads / GroupScorer.WeightsOf(spec, graph.Family(GroupKind.Neuron, 0)[0]), 0.005);
    }

    [TestMethod]
    [DataRow(FlapStructure.UlUm, 0)]
    [DataRow(FlapStructure.UlMm, 2)]
    [DataRow(FlapStructure.AlMm, 2)]
    [DataRow(FlapStructure.AlAm, 0)]
    public void Prune_EachStructure_ReachesItsRatioAndPlansBiases(FlapStructure structure, int heads)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        var method = new Flap { Structure = structure, Ratio = 0.4, RemovedHeads = heads };
        PruningResult result =
            Pruner.PruneWithWindows(model, method, Windows(model.Spec), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        PruningPlan plan = result.Plan;
        StructureReport report = result.Report.Structure!;
        Assert.IsLessThanOrEqualTo(1e-5, report.LargestLogitDifference);
        Assert.AreEqual(LinearParts.Down, pruned.Spec.Layers[0].AddedBiases & LinearParts.Down);
        if (structure is FlapStructure.UlUm or FlapStructure.UlMm)
            Assert.AreEqual(plan.ParametersAfter, pruned.Spec.ParameterCount);
        if (heads > 0)
            Assert.AreEqual(heads, report.Families.Where(f => f.Kind == GroupKind.Heads).Sum(f => f.Removed.Count));

        // A layer has 16 x 48 weights in heads and 16 x 72 in neurons; the last group may go beyond the ratio.
        if (structure == FlapStructure.UlUm) return;
        double gone = report.Families.Sum(f => f.Removed.Count * (f.Kind == GroupKind.Heads ? 24 : 3));
        Assert.AreEqual(0.4 * 2 * (48 + 72), gone, structure == FlapStructure.AlAm ? 24 : 6);
    }

    [TestMethod]
    public void Prune_WithoutCompensation_AddsNoBias()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        using LanguageModel pruned = Pruner.PruneWithWindows(model, new Flap { CompensateBias = false },
            Windows(model.Spec), PrunedModels.In(folder)).Model;
        Assert.IsTrue(pruned.Spec.Layers.All(l => l.AddedBiases == LinearParts.None));
    }

    [TestMethod]
    public void Plan_BadOptions_NamesThem()
    {
        Refuse(new Flap { Ratio = 0 }, "ratio is 0");
        Refuse(new Flap { RemovedHeads = 2 }, "al-am");
        Refuse(new Flap { Structure = FlapStructure.AlMm, RemovedHeads = 3 }, "0 to 2");
        Refuse(new Flap { Structure = FlapStructure.UlMm, RemovedHeads = 1 }, "multiple of the 2 layers");
        Refuse(new Flap { Structure = FlapStructure.AlMm, RemovedHeads = 2, Ratio = 0.1 }, "more than the ratio");

        static void Refuse(Flap method, string text) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama)).Message, text);
    }

    private static TokenWindows Windows(ModelSpec spec) =>
        TokenWindows.FromTokens(RandomModel.Tokens(spec, 6 * 16, seed: 3), 16);
}
