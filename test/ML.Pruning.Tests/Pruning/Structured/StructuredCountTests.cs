using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using static ML.Pruning.Tests.TestKit.PublishedConfigs;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Golden: what Ma et al. 2023 (arXiv:2305.11627) publish for LLaMA-7B, from its config.json alone.</summary>
[TestClass]
public sealed class StructuredCountTests
{
    [TestMethod]
    [DataRow(0.25, 4, 29, 5_422_977_024, 339.6026)]
    [DataRow(0.60, 3, 30, 3_350_188_032, 206.5852)]
    [DataRow(0.25, 3, 30, 5_321_789_440, null)]
    public void Plan_BlocksOfLlama7B_HasThePublishedCounts(
        double ratio, int first, int last, long parameters, double? gigaMacs)
    {
        PruningPlan plan = new LlmPruner
        {
            Ratio = ratio,
            AttentionLayers = new LayerRange(first, last),
            MlpLayers = new LayerRange(first, last),
        }.Plan(Spec(Llama7B));
        Assert.AreEqual(6_738_415_616, plan.ParametersBefore);
        Assert.AreEqual(parameters, plan.ParametersAfter);
        Assert.AreEqual(424.0211, plan.Before.MultiplyAccumulates(64) / 1e9, 5e-5);
        if (gigaMacs is { } macs) Assert.AreEqual(macs, plan.After.MultiplyAccumulates(64) / 1e9, 5e-5);
        Assert.AreEqual(parameters, (long)plan.ToJson()["parameters"]!["after"]!);
    }

    /// <summary>Worked by hand: 2 bytes a parameter; 2 x 32 layers x 4096 x 2 bytes a token; LoRA of rank 8 on four
    /// maps of 4096 + 4096 and three of 4096 + 11008.</summary>
    [TestMethod]
    public void MemoryNeeds_Llama7B_AreThoseOfItsShape()
    {
        var needs = new MemoryNeeds(Spec(Llama7B), contextLength: 64);
        Assert.AreEqual(2 * 6_738_415_616, needs.WeightBytes(TensorType.BF16));
        Assert.AreEqual(64L * 2 * 32 * 4096 * 2, needs.KeyValueBytes(TensorType.BF16));
        Assert.AreEqual(32L * 8 * (4 * 8192 + 3 * 15104), needs.LoraParameters);
        Assert.IsGreaterThan(16 * 6_738_415_616, needs.FullFineTuningBytes);
        Assert.IsLessThan(needs.FullFineTuningBytes / 3, needs.LoraBytes);
        PruningPlan plan = new LlmPruner().Plan(Spec(Llama7B)) with { ContextLength = 128 };
        Assert.AreEqual(128, (int)plan.ToJson()["memory"]!["after"]!["contextLength"]!);
    }

    [TestMethod]
    [DataRow(0.20, 339.3611)]
    [DataRow(0.50, 212.5776)]
    public void Plan_ChannelsOfLlama7B_HasThePublishedMultiplyAccumulates(double ratio, double gigaMacs) =>
        Assert.AreEqual(gigaMacs, new LlmPruner { Ratio = ratio, Granularity = PruningGranularity.Channel }
            .Plan(Spec(Llama7B)).After.MultiplyAccumulates(64) / 1e9, 5e-5);

    [TestMethod]
    public void Plan_LayersOfLlama7B_KeepsTheFirst()
    {
        PruningPlan plan =
            new LlmPruner { Granularity = PruningGranularity.Layer, KeepLayers = 23 }.Plan(Spec(Llama7B));
        Assert.AreEqual(4_916_965_376, plan.ParametersAfter);
        Assert.IsTrue((bool)plan.ToJson()["layers"]![23]!["removed"]!);
    }

    /// <summary>Worked by hand: 8 key/value heads of 128 rows, 1024 - int(768) = 256 rows or 2 heads of 4 query heads;
    /// MLP 10,752. A layer loses 2 x 256 x 4096 (key, value), 2 x 1024 x 4096 (query, output), 3 x 3584 x
    /// 4096.</summary>
    [TestMethod]
    public void Plan_GroupedQueries_RemovesWholeGroups()
    {
        ModelSpec spec = Spec(Llama3);
        PruningPlan plan = new LlmPruner
        {
            AttentionLayers = new LayerRange(4, 29),
            MlpLayers = new LayerRange(4, 29),
        }.Plan(spec);
        Assert.AreEqual(8_030_261_248 - 26 * (2 * 256 + 2 * 1024 + 3 * 3584) * 4096L, plan.ParametersAfter);
        Assert.AreEqual((24, 6, 10752), Shape(plan.After.Layers[4]));
        Assert.AreEqual((32, 8, 14336), Shape(plan.After.Layers[3]));
        Assert.AreEqual((32, 8, 14336), Shape(plan.After.Layers[30]));
    }

    /// <summary>Worked by hand: 8 key/value heads of 128 rows, 1024 - int(819.2) = 205 rows or 1 head of 4 query heads;
    /// MLP 14336 - int(11468.8) = 2868. Each of the layers 3..30 loses 2 x 128 x 4096 (key, value), 2 x 512 x 4096
    /// (query, output), 3 x 2868 x 4096.</summary>
    [TestMethod]
    public void Plan_Mistral7B_RemovesWholeGroups()
    {
        ModelSpec spec = Spec(Mistral7B);
        PruningPlan plan = new LlmPruner
        {
            Ratio = 0.2,
            AttentionLayers = new LayerRange(3, 30),
            MlpLayers = new LayerRange(3, 30),
        }.Plan(spec);
        Assert.AreEqual(7_241_732_096, plan.ParametersBefore);
        Assert.AreEqual(7_241_732_096 - 28 * (2 * 128 + 2 * 512 + 3 * 2868) * 4096L, plan.ParametersAfter);
        Assert.AreEqual((28, 7, 11468), Shape(plan.After.Layers[3]));
    }

    /// <summary>Worked by hand: 4 key/value heads of 128 rows, 512 - int(384) = 128 rows or 1 head of 7 query heads
    /// (896 rows); MLP 18944 - 14208 = 4736. Of 28 layers 3..24 lose 2 x 896 x 3584 (query, output), 2 x 128 x 3584
    /// (key, value), 3 x 4736 x 3584, and the biases of 896 + 2 x 128 rows.</summary>
    [TestMethod]
    public void Plan_Qwen2With7Billion_RemovesWholeGroupsAndTheirBiases()
    {
        PruningPlan plan = new LlmPruner().Plan(Spec(Qwen27B));
        Assert.AreEqual(7_615_616_512, plan.ParametersBefore);
        Assert.AreEqual(7_615_616_512 - 22 * 58_262_656L, plan.ParametersAfter);
        Assert.AreEqual((21, 3, 14208), Shape(plan.After.Layers[3]));
        Assert.AreEqual((28, 4, 18944), Shape(plan.After.Layers[25]));
    }

    [TestMethod]
    [DataRow(32, 4, 27)]
    [DataRow(5, 1, 3)]
    [DataRow(2, 0, 1)]
    public void Plan_NoRangeGiven_SparesTheEnds(int layers, int first, int last)
    {
        ModelSpec spec = Spec(Llama7B) with { Layers = [.. Enumerable.Repeat(Spec(Llama7B).Layers[0], layers)] };
        PruningPlan plan = new LlmPruner().Plan(spec);
        int[] pruned = [.. Enumerable.Range(0, layers).Where(i => plan.After.Layers[i].MlpWidth < 11008)];
        CollectionAssert.AreEqual(Enumerable.Range(first, last - first + 1).ToArray(), pruned);
    }

    [TestMethod]
    public void Plan_Uniform_PrunesAllLayersAlike()
    {
        PruningPlan plan = new LlmPruner { Uniform = true }.Plan(Spec(Llama7B));
        Assert.IsTrue(plan.After.IsUniform);
        Assert.AreEqual((24, 24, 8256), Shape(plan.After.Layers[0]));
    }

    [TestMethod]
    public void Plan_BadOptions_NamesThem()
    {
        Refuse(new LlmPruner { Ratio = 1 }, "ratio is 1");
        Refuse(new LlmPruner { Ratio = double.NaN }, "ratio is NaN");
        Refuse(new LlmPruner { Steps = 0 }, "steps is 0");
        Refuse(new LlmPruner { AttentionLayers = new LayerRange(4, 32) }, "4..32");
        Refuse(new LlmPruner { MlpLayers = new LayerRange(5, 4) }, "5..4");
        Refuse(new LlmPruner { Uniform = true, Global = true }, "uniform");
        Refuse(new LlmPruner { Uniform = true, MlpLayers = new LayerRange(1, 30) }, "uniform");
        Refuse(new LlmPruner { WeighByCost = true }, "global");
        Refuse(new LlmPruner { Granularity = PruningGranularity.Layer, KeepLayers = 32 }, "32 layers");
        var e = Assert.ThrowsExactly<PruningException>(() => new LlmPruner { Ratio = 1e-9 }.Plan(
            Spec(Llama7B) with { Layers = [Spec(Llama7B).Layers[0] with { MlpWidth = 1 }] }));
        StringAssert.Contains(e.Message, "removes nothing");

        static void Refuse(LlmPruner method, string text) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => method.Plan(Spec(Llama7B))).Message, text);
    }

    [TestMethod]
    [DataRow("4..29", 4, 29)]
    [DataRow("7", 7, 7)]
    public void Parse_Range_HasBothEnds(string text, int first, int last) =>
        Assert.AreEqual(new LayerRange(first, last), LayerRange.Parse(text));

    [TestMethod]
    [DataRow("")]
    [DataRow("5..4")]
    [DataRow("1..2..3")]
    [DataRow("-1..2")]
    public void Parse_NoRange_IsRefused(string text) =>
        Assert.ThrowsExactly<ArgumentException>(() => LayerRange.Parse(text));

    private static (int Heads, int KeyValueHeads, int MlpWidth) Shape(LayerSpec layer) =>
        (layer.Heads, layer.KeyValueHeads, layer.MlpWidth);

    private static ModelSpec Spec(string config) => FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(config));
}
