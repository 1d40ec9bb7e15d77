using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Models.Families;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Removing layers: by name, and by block influence (ShortGPT).</summary>
[TestClass]
public sealed class DepthPruningTests
{
    private const string Llama7B = """
        { "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
          "num_hidden_layers": 32, "vocab_size": 32000, "rms_norm_eps": 1e-6 }
        """;

    private static readonly ModelSpec s_four = RandomModel.Llama with
    {
        Layers = [.. Enumerable.Repeat(RandomModel.Llama.Layers[0], 4)],
    };

    public static IEnumerable<object[]> Names => FamilyConfigs.NamesWithEncoders;

    [TestMethod]
    public void Plan_NineLayersOfLlama7B_HasThePublishedCount()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(Llama7B));
        foreach (PruningMethod method in (PruningMethod[])
            [new ShortGpt { Count = 9 }, new DepthPruning { Last = 9 }, new ShortGpt { Ratio = 0.29 }])
            Assert.AreEqual(4_916_965_376, method.Plan(spec).ParametersAfter);
    }

    [TestMethod]
    public void ShortGpt_LayerThatChangesNothing_HasInfluenceZeroAndGoesFirst()
    {
        using LanguageModel random = RandomModel.Create(s_four, seed: 2);
        var zeros = new Dictionary<string, float[]>();
        foreach (string part in (string[])[TensorNames.Output, TensorNames.Down])
        {
            string name = TensorNames.Weight(2, part);
            zeros.Add(name, new float[random.Weights[name].ElementCount]);
        }

        using LanguageModel model = PrunedModels.With(random, zeros);
        using var folder = new TestFolder();
        PruningResult result = Pruner.PruneWithWindows(
            model, new ShortGpt { Count = 1 }, Windows(s_four), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        FamilyReport[] families = [.. result.Report.Structure!.Families];
        Assert.AreEqual(0, families[2].HighestRemovedScore!.Value, 1e-6);
        CollectionAssert.AreEqual(new[] { 0, 0, 1, 0 }, families.Select(f => f.Removed.Count).ToArray());
        Assert.IsTrue(families.Where(f => f.Layer != 2).All(f => f.LowestKeptScore > 1e-3));
        int[] tokens = RandomModel.Tokens(s_four, 20);
        CollectionAssert.AreEqual(FamilyFolder.Logits(model, tokens), FamilyFolder.Logits(pruned, tokens));
    }

    [TestMethod]
    public void BlockInfluence_LayerThatAddsAConstant_IsOneMinusTheCosine()
    {
        // Attention and MLP yield nothing but the bias of the last map: the stream goes from e to e + b.
        ModelSpec spec = RandomModel.Llama with { Layers = [RandomModel.Llama.Layers[0]], MlpBias = true };
        using LanguageModel random = RandomModel.Create(spec, seed: 3);
        var zeros = new Dictionary<string, float[]>();
        foreach (string part in (string[])[TensorNames.Output, TensorNames.Down])
        {
            string name = TensorNames.Weight(0, part);
            zeros.Add(name, new float[random.Weights[name].ElementCount]);
        }

        using LanguageModel model = PrunedModels.With(random, zeros);
        float[] table = model.Weights[TensorNames.Embedding].ToArray();
        float[] bias = model.Weights[TensorNames.Bias(0, TensorNames.Down)].ToArray();
        int[] tokens = RandomModel.Tokens(spec, 48, seed: 5);
        double expected = 1 - tokens.Average(token =>
        {
            double[] e = [.. table.Skip(token * 16).Take(16).Select(v => (double)v)];
            double[] after = [.. e.Zip(bias, (x, b) => x + b)];
            return e.Zip(after, (x, y) => x * y).Sum()
                / Math.Sqrt(e.Sum(x => x * x) * after.Sum(y => y * y));
        });
        using ResidualStream stream = ResidualStream.Embed(spec, model.Weights, TokenWindows.FromTokens(tokens, 16),
            CalibrationStorage.Memory, "", default);
        double[] influence = ML.Pruning.Importance.BlockInfluence.OfLayers(spec, model.Weights, stream, null);
        Assert.AreEqual(expected, influence.Single(), 1e-6);
    }

    [TestMethod]
    [DataRow(new[] { 1, 3 }, 0, 0, new[] { 0, 2 })]
    [DataRow(null, 1, 2, new[] { 1 })]
    [DataRow(null, 0, 1, new[] { 0, 1, 2 })]
    public void DepthPruning_LayersThatStay_AreTheOriginalOnes(int[]? layers, int first, int last, int[] kept)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_four, seed: 4);
        PruningResult result = Pruner.Prune(model, new DepthPruning { Layers = layers, First = first, Last = last },
            context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(kept.Length, pruned.Spec.Layers.Count);
        Assert.AreEqual(result.Plan.ParametersAfter, pruned.Spec.ParameterCount);
        for (int i = 0; i < kept.Length; i++)
        {
            foreach (LinearSpec linear in s_four.Linears(kept[i]))
            {
                CollectionAssert.AreEqual(PrunedModels.Bytes(model, linear.WeightName),
                    PrunedModels.Bytes(pruned, TensorNames.Weight(i, linear.Part)));
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void ShortGpt_EveryFamily_WritesAModelThatReadsAsWritten(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel model = FamilyConfigs.Create(name);
        PruningResult result = Pruner.PruneWithWindows(
            model, new ShortGpt { Count = 1 }, Windows(model.Spec), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.IsLessThanOrEqualTo(1e-5, result.Report.Structure!.LargestLogitDifference);
        HuggingFaceModel.Save(pruned, folder["saved"]);
        using LanguageModel saved = HuggingFaceModel.Open(folder["saved"]);
        int[] tokens = RandomModel.Tokens(model.Spec, 20);
        CollectionAssert.AreEqual(FamilyFolder.Logits(pruned, tokens), FamilyFolder.Logits(saved, tokens));
    }

    [TestMethod]
    public void Plan_OptionsThatDoNotFit_AreRefused()
    {
        Refused(new DepthPruning(), "No layer is to go");
        Refused(new DepthPruning { Last = 4 }, "4 of 4 layers");
        Refused(new DepthPruning { Layers = [4] }, "0..3");
        Refused(new DepthPruning { Layers = [1, 1] }, "different ones");
        Refused(new DepthPruning { Layers = [1], First = 1 }, "either");
        Refused(new DepthPruning { First = -1 }, "-1 first");
        Refused(new ShortGpt { Count = 0 }, "at least 1");
        Refused(new ShortGpt { Ratio = 0.1 }, "a ratio of 0.25");
        Refused(new ShortGpt { Ratio = 1 }, "ratio of layers is 1");
        Refused(new ShortGpt { Count = 4 }, "4 of 4 layers");
        var e = Assert.ThrowsExactly<PruningException>(
            () => new ShortGpt { Count = 1 }.Plan(s_four.Folded() with { ResidualWidth = 8 }));
        StringAssert.Contains(e.Message, "rotated");
    }

    private static void Refused(PruningMethod method, string part) => StringAssert.Contains(
        Assert.ThrowsExactly<ArgumentException>(() => method.Plan(s_four)).Message, part);

    private static TokenWindows Windows(ModelSpec spec) =>
        TokenWindows.FromTokens(RandomModel.Tokens(spec, 6 * 16, seed: 8), 16);
}
