using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Sparsity;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public class GradientPruningTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama;
    private static readonly TokenWindows s_windows =
        TokenWindows.FromTokens(RandomModel.Tokens(s_spec, 48, seed: 5), 12);

    [TestMethod]
    [DataRow("taylor-first")]
    [DataRow("taylor-second")]
    [DataRow("taylor-mix")]
    [DataRow("snip")]
    [DataRow("movement-score")]
    public void Prune_ByGradients_RemovesTheLowestScoresOfTheModelAsItWas(string name)
    {
        WeightPruning method = Methods().Single(m => m.Name == name);
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        string[] names = [.. PrunedModels.Linears(s_spec).Select(p => p.Name)];
        IReadOnlyDictionary<string, GradientStatistics> gradients = GradientRunner.Run(model, s_windows, names,
            method.Criterion.Needs, method.Criterion.Movement, null, CancellationToken.None);
        PruningResult result = Pruner.PruneWithWindows(model, method, s_windows, PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;

        var scores = new List<double>();
        var owners = new List<string>();
        foreach (string tensor in names)
        {
            float[] weight = model.Weights[tensor].ToArray();
            var own = new float[weight.Length];
            method.Criterion.Score(
                new WeightBlock(tensor, 0, 1, weight.Length, weight) { Gradients = gradients[tensor] }, null, own);
            scores.AddRange(own.Select(s => (double)s));
            owners.AddRange(weight.Select(_ => tensor));
        }

        bool[] keep = SortOracle.Keep(scores, i => name == "snip" ? 0 : Array.IndexOf(names, owners[i]), 0.5);
        foreach (string tensor in names)
        {
            PrunedModels.AssertMasked(
                model, pruned, tensor, [.. keep.Where((_, i) => owners[i] == tensor)]);
        }

        Assert.AreEqual(result.Plan.Zeros, result.Report.Tensors.Sum(t => t.ZerosAfter));
        Assert.AreEqual(keep.Count(kept => !kept), result.Plan.Zeros);
        Assert.AreEqual(name, (string)pruned.Provenance[0].Options["method"]!);
    }

    [TestMethod]
    public void Prune_Twice_GivesTheSameBits()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        foreach (WeightPruning method in Methods())
        {
            PruningContext context = PrunedModels.In(folder);
            using LanguageModel first = Pruner.PruneWithWindows(model, method, s_windows, context).Model;
            using LanguageModel second = Pruner.PruneWithWindows(model, method, s_windows, context).Model;
            foreach (string name in model.Weights.Keys)
                CollectionAssert.AreEqual(PrunedModels.Bytes(first, name), PrunedModels.Bytes(second, name), name);
        }
    }

    [TestMethod]
    public void Prune_EmbeddingAndHead_HaveGradientsToo()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var method = new TaylorPruning { IncludeTensors = [TensorNames.Embedding, TensorNames.Head], Sparsity = 0.25 };
        PruningResult result = Pruner.PruneWithWindows(model, method, s_windows, PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.HasCount(2, result.Report.Tensors);
        foreach (TensorReport tensor in result.Report.Tensors)
            Assert.AreEqual(s_spec.VocabularySize * s_spec.HiddenSize / 4, tensor.ZerosAfter, tensor.Name);
    }

    [TestMethod]
    public void Prune_NofM_KeepsTwoOfEachFour()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var method = new TaylorPruning(TaylorOrder.Mixed) { Pattern = SparsityPattern.Parse("2:4") };
        using LanguageModel pruned = Pruner.PruneWithWindows(model, method, s_windows, PrunedModels.In(folder)).Model;
        foreach (var linear in PrunedModels.Linears(s_spec))
        {
            foreach (float[] four in pruned.Weights[linear.Name].ToArray().Chunk(4))
                Assert.AreEqual(2, four.Count(w => w == 0), linear.Name);
        }
    }

    [TestMethod]
    public void Prune_WithAnUpdate_TakesTheMasksFromTheDenseModel()
    {
        // Masks come from gradients, updates from the inputs of the layers: both kinds of statistics in one run.
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var plain = new TaylorPruning(TaylorOrder.Second);
        var moving = new TaylorPruning(TaylorOrder.Second) { Update = new SparseGptUpdate() };
        using LanguageModel masked = Pruner.PruneWithWindows(model, plain, s_windows, PrunedModels.In(folder)).Model;
        using LanguageModel updated = Pruner.PruneWithWindows(model, moving, s_windows, PrunedModels.In(folder)).Model;
        foreach (var linear in PrunedModels.Linears(s_spec))
        {
            float[] kept = masked.Weights[linear.Name].ToArray(), moved = updated.Weights[linear.Name].ToArray();
            CollectionAssert.AreEqual(
                kept.Select(w => w == 0).ToArray(), moved.Select(w => w == 0).ToArray(), linear.Name);
            CollectionAssert.AreNotEqual(kept, moved, linear.Name);
        }
    }

    [TestMethod]
    public void Plan_ByGradients_CountsTheWholeModelWithGradientsAndSums()
    {
        // A model of such a size that the weights count: 4 layers of hidden size 1024.
        ModelSpec spec = s_spec with
        {
            HiddenSize = 1024,
            Layers = [.. Enumerable.Repeat(RandomModel.Layer(16, 16, 64, 2816), 4)],
        };
        long linears = PrunedModels.Linears(spec).Sum(p => p.Count);
        long Peak(PruningMethod method) => method.Plan(spec).PeakMemoryBytes;
        CalibrationOptions short64 = new() { Samples = 8, SequenceLength = 64 };
        long first = Peak(new TaylorPruning { Calibration = short64 });
        long mixed = Peak(new TaylorPruning(TaylorOrder.Mixed) { Calibration = short64 });
        long movement = Peak(new MovementScores { Calibration = short64 });
        Assert.IsGreaterThanOrEqualTo(4 * spec.ParameterCount + 12 * linears, first);
        Assert.IsGreaterThanOrEqualTo(4 * spec.ParameterCount + 20 * linears, mixed);
        Assert.IsGreaterThanOrEqualTo(4 * spec.ParameterCount + 20 * linears, movement);
        Assert.IsLessThan(first, Peak(new Wanda { Calibration = short64 }));
    }

    [TestMethod]
    public void ToJson_MovementScores_HasTheOptionsOfTheRun()
    {
        var method = new MovementScores(new MovementOptions { Steps = 5, LearningRate = 0.25 });
        Assert.AreEqual("""{"steps":5,"batchSize":1,"learningRate":0.25,"optimizer":"adamw"}""",
            method.ToJson()["movement"]!.ToJsonString());
    }

    [TestMethod]
    public void Prune_DivergingTrainingRun_SaysSo()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var method = new MovementScores(
            new MovementOptions { LearningRate = 1e30, Optimizer = MovementOptimizer.Sgd });
        var e = Assert.ThrowsExactly<PruningException>(
            () => Pruner.PruneWithWindows(model, method, s_windows, PrunedModels.In(folder)));
        StringAssert.Contains(e.Message, "learning rate");
        Assert.IsEmpty(Directory.GetFiles(folder.Path));
    }

    private static WeightPruning[] Methods() =>
        [new TaylorPruning(), new TaylorPruning(TaylorOrder.Second), new TaylorPruning(TaylorOrder.Mixed), new Snip(),
            new MovementScores(new MovementOptions { LearningRate = 0.01 })];
}
