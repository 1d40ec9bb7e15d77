using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public class PruningPlanTests
{
    // LLaMA-7B: 6,738,415,616 parameters, of which 6,476,005,376 in the layers' matrices.
    private static readonly ModelSpec s_llama7B = new()
    {
        Family = "llama",
        VocabularySize = 32000,
        HiddenSize = 4096,
        ContextLength = 2048,
        Layers = [.. Enumerable.Repeat(RandomModel.Layer(32, 32, 128, 11008), 32)],
    };

    [TestMethod]
    public void ToJson_Llama7B_CountsByShapeAlone()
    {
        JsonObject json = new Wanda().Plan(s_llama7B, TensorType.BF16).ToJson();
        Assert.AreEqual(6_738_415_616, (long)json["parameters"]!["before"]!);
        Assert.AreEqual(6_738_415_616 - 6_476_005_376 / 2, (long)json["parameters"]!["after"]!);
        Assert.AreEqual(6_476_005_376 / 2, (long)json["parameters"]!["zeros"]!);
        Assert.AreEqual(64, (int)json["macs"]!["tokens"]!);
        Assert.AreEqual(424.0211, (long)json["macs"]!["before"]! / 1e9, 5e-5);
        Assert.AreEqual((long)json["macs"]!["before"]!, (long)json["macs"]!["after"]!);
        Assert.AreEqual(2 * 6_476_005_376, (long)json["diskBytes"]!);
        Assert.HasCount(32, json["layers"]!.AsArray());
        Assert.HasCount(7, json["layers"]![31]!["tensors"]!.AsArray());

        // The hidden states alone take 128 windows x 512 tokens x 4096 features x 4 bytes, the layer 4 x 202 million.
        long peak = (long)json["peakMemoryBytes"]!;
        long floor = 128L * 512 * 4096 * 4 + 4 * 202_383_360L;
        Assert.IsTrue(peak > floor && peak < floor + (1L << 30), $"{peak} against {floor}");
    }

    [TestMethod]
    [DataRow("unstructured", ComparisonGroup.Row)]
    [DataRow("unstructured", ComparisonGroup.Tile)]
    [DataRow("unstructured", ComparisonGroup.Tensor)]
    [DataRow("unstructured", ComparisonGroup.Layer)]
    [DataRow("unstructured", ComparisonGroup.Model)]
    [DataRow("2:4", ComparisonGroup.Row)]
    [DataRow("block:4x4", ComparisonGroup.Row)]
    [DataRow("block:4x4", ComparisonGroup.Tile)]
    [DataRow("block:4x4", ComparisonGroup.Tensor)]
    [DataRow("block:4x4", ComparisonGroup.Model)]
    public void Plan_ExactCount_IsWhatHappens(string pattern, ComparisonGroup group)
    {
        ModelSpec spec = RandomModel.Llama with
        {
            Layers = [RandomModel.Layer(4, 2, 4, 28), RandomModel.Layer(4, 4, 4, 140)],
        };
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(spec);
        SparsityPattern parsed = SparsityPattern.Parse(pattern);
        PruningResult result = Pruner.Prune(model,
            new Magnitude { Pattern = parsed, Group = group, Sparsity = parsed.ImpliedSparsity ?? 0.43 },
            context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        if (parsed is not BlockPattern || group != ComparisonGroup.Model)
            Assert.AreEqual(result.Plan.Zeros, result.Report.Tensors.Sum(t => t.ZerosAfter));
        foreach ((PlannedTensor planned, TensorReport done) in result.Plan.Tensors.Zip(result.Report.Tensors))
        {
            Assert.AreEqual(planned.Name, done.Name);
            if (planned.IsExact) Assert.AreEqual(planned.Zeros, done.ZerosAfter, planned.Name);
            else Assert.IsTrue(group >= ComparisonGroup.Layer, planned.Name);
        }
    }

    [TestMethod]
    [DataRow(-0.01)]
    [DataRow(1.0)]
    [DataRow(1.5)]
    [DataRow(double.NaN)]
    public void Plan_SparsityOutOfRange_SaysTheRange(double sparsity)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => new Magnitude { Sparsity = sparsity }.Plan(RandomModel.Llama));
        StringAssert.Contains(e.Message, "[0, 1)");
    }

    [TestMethod]
    public void Plan_SparsityThatDisagreesWithThePattern_IsRefused()
    {
        var pattern = new NofMPattern(2, 4);
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => new Magnitude { Sparsity = 0.6, Pattern = pattern }.Plan(RandomModel.Llama));
        StringAssert.Contains(e.Message, "2:4");
        StringAssert.Contains(e.Message, "0.6");
        PruningPlan plan = new Magnitude { Sparsity = 0.5, Pattern = pattern }.Plan(RandomModel.Llama);
        Assert.AreEqual(plan.Tensors.Sum(t => t.Count) / 2, plan.Zeros);
    }

    [TestMethod]
    public void Plan_Indivisible_IsRefusedByNameOrSkipped()
    {
        ModelSpec spec = RandomModel.Llama with { Layers = [RandomModel.Layer(4, 2, 4, 22)] };
        var pattern = new NofMPattern(2, 4);
        var e = Assert.ThrowsExactly<ArgumentException>(() => new Magnitude { Pattern = pattern }.Plan(spec));
        StringAssert.Contains(e.Message, "layers.0.mlp.down_proj.weight");
        StringAssert.Contains(e.Message, "22 columns");

        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(spec);
        PruningResult result = Pruner.Prune(model, new Magnitude { Pattern = pattern, SkipIndivisible = true },
            context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual("layers.0.mlp.down_proj.weight", result.Report.Skipped.Single().Name);
        Assert.IsFalse(pruned.Weights["layers.0.mlp.down_proj.weight"].ToArray().Contains(0));
        Assert.HasCount(6, result.Report.Tensors);
        StringAssert.Contains(result.Report.ToTable().ToString(), "Left as it is: 'layers.0.mlp.down_proj.weight'");
    }

    [TestMethod]
    public void Plan_EverythingIndivisible_Throws() => Assert.ThrowsExactly<PruningException>(() =>
        new Magnitude { Pattern = new NofMPattern(1, 7), SkipIndivisible = true }.Plan(RandomModel.Llama));

    [TestMethod]
    public void Plan_NamePatternThatMatchesNothing_IsRefused()
    {
        foreach (Magnitude method in (Magnitude[])
            [new() { IncludeTensors = ["layer.0.*"] }, new() { ExcludeTensors = ["layer.0.*"] }])
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama));
            StringAssert.Contains(e.Message, "'layer.0.*'");
        }

        Assert.ThrowsExactly<ArgumentException>(
            () => new Magnitude { ExcludeTensors = ["*"] }.Plan(RandomModel.Llama));
    }

    [TestMethod]
    public void Plan_AllocationByTensor_IsFollowedOrRefused()
    {
        PruningPlan plan = new Magnitude { Allocation = new Rising() }.Plan(RandomModel.Llama);
        Assert.AreEqual((long)(plan.Tensors[3].Count * 0.15), plan.Tensors[3].Zeros);
        foreach (Magnitude method in (Magnitude[])
            [
                new() { Allocation = new Rising(), Group = ComparisonGroup.Layer },
                new() { Allocation = new Rising(), Pattern = new NofMPattern(2, 4) },
                new() { Allocation = new Rising(step: 0.5) },
            ])
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama));
            StringAssert.Contains(e.Message, "rising");
        }
    }

    [TestMethod]
    public void Plan_CalibrationOutOfRange_IsRefusedBeforehand()
    {
        var method = new Wanda { Calibration = new() { SequenceLength = RandomModel.Llama.ContextLength + 1 } };
        var e = Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama));
        StringAssert.Contains(e.Message, "context of 64");
    }

    private sealed class Rising(double step = 0.05) : ISparsityAllocation
    {
        public string Name => "rising";

        public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity) =>
            [.. tensors.Select((_, i) => i * step)];
    }
}
