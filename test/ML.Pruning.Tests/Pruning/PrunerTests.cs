using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Sparsity;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public class PrunerTests
{
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        Layers = [RandomModel.Layer(4, 2, 4, 24), RandomModel.Layer(2, 1, 8, 140)],
    };

    [TestMethod]
    [DataRow(ComparisonGroup.Row)]
    [DataRow(ComparisonGroup.Tile)]
    [DataRow(ComparisonGroup.Tensor)]
    [DataRow(ComparisonGroup.Layer)]
    [DataRow(ComparisonGroup.Model)]
    public void Prune_MagnitudeInAnyGroup_AgreesWithSorting(ComparisonGroup group)
    {
        const double Sparsity = 0.37;
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude { Group = group, Sparsity = Sparsity },
            context: PrunedModels.In(folder)).Model;

        var weights = PrunedModels.Linears(s_spec)
            .SelectMany(p => model.Weights[p.Name].ToArray().Select((w, i) => (p.Name, Weight: w, Group: group switch
            {
                ComparisonGroup.Row => $"{p.Name} {i / p.Shape[1]}",
                ComparisonGroup.Tile => $"{p.Name} {i % p.Shape[1] / 128}",
                ComparisonGroup.Tensor => p.Name,
                ComparisonGroup.Layer => $"{p.Layer}",
                _ => "",
            }))).ToArray();
        List<string> groups = [.. weights.Select(w => w.Group).Distinct()];
        bool[] keep = SortOracle.Keep([.. weights.Select(w => (double)Math.Abs(w.Weight))],
            i => groups.IndexOf(weights[i].Group), Sparsity);
        foreach (IGrouping<string, bool> tensor in weights.Zip(keep).GroupBy(p => p.First.Name, p => p.Second))
            PrunedModels.AssertMasked(model, pruned, tensor.Key, [.. tensor]);
    }

    [TestMethod]
    [DataRow(TensorType.F16)]
    [DataRow(TensorType.BF16)]
    [DataRow(TensorType.F64)]
    public void Prune_AnyType_KeepsTypeAndBitsOfWhatStays(TensorType type)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, type: type);
        using LanguageModel pruned = Pruner.Prune(model, new Magnitude(), context: PrunedModels.In(folder)).Model;
        foreach (ParameterSpec p in PrunedModels.Linears(s_spec))
        {
            Assert.AreEqual(type, pruned.Weights[p.Name].Type);
            bool[] keep = SortOracle.Keep(
                [.. model.Weights[p.Name].ToArray().Select(w => (double)Math.Abs(w))], _ => 0, 0.5);
            PrunedModels.AssertMasked(model, pruned, p.Name, keep);
        }
    }

    [TestMethod]
    public void Prune_Model_SharesWhatDidNotChangeAndRecordsWhatDid()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        byte[] before = PrunedModels.Bytes(model, TensorNames.Weight(0, TensorNames.Up));
        PruningResult result = Pruner.Prune(
            model, new Magnitude { Sparsity = 0.7, ExcludeTensors = ["layers.1.*"] }, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;

        CollectionAssert.AreEqual(before, PrunedModels.Bytes(model, TensorNames.Weight(0, TensorNames.Up)));
        string[] changed = [.. PrunedModels.Linears(s_spec).Where(p => p.Layer == 0).Select(p => p.Name)];
        foreach (ParameterSpec p in s_spec.Parameters())
        {
            Assert.AreEqual(!changed.Contains(p.Name),
                ReferenceEquals(model.Weights[p.Name], pruned.Weights[p.Name]), p.Name);
        }

        CollectionAssert.AreEquivalent(changed, pruned.MaskedTensors.ToArray());
        ProvenanceStep step = pruned.Provenance.Single();
        Assert.AreEqual(("prune", "magnitude"), (step.Stage, step.Method));
        Assert.AreEqual(0.7, (double)step.Options["sparsity"]!);
        Assert.AreEqual("tensor", (string)step.Options["group"]!);
        Assert.AreEqual("layers.1.*", (string)step.Options["exclude"]![0]!);
        Assert.AreEqual(result.Report.Tensors.Sum(t => t.ZerosAfter), (long)step.Options["zeros"]!);
    }

    [TestMethod]
    public void Prune_PrunedModelAgain_KeepsZerosAndAddsAStep()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        using LanguageModel once =
            Pruner.Prune(model, new RandomPruning { Sparsity = 0.3 }, context: PrunedModels.In(folder)).Model;
        PruningResult again = Pruner.Prune(once, new Magnitude { Sparsity = 0.5 }, context: PrunedModels.In(folder));
        using LanguageModel twice = again.Model;
        Assert.HasCount(2, twice.Provenance);
        foreach (TensorReport t in again.Report.Tensors)
        {
            Assert.AreEqual((long)(t.Elements * 0.3), t.ZerosBefore);
            Assert.AreEqual(t.Elements / 2, t.ZerosAfter, t.Name);
            float[] first = once.Weights[t.Name].ToArray(), second = twice.Weights[t.Name].ToArray();
            for (int i = 0; i < first.Length; i++) Assert.IsTrue(second[i] == 0 || second[i] == first[i]);
            Assert.IsFalse(first.Zip(second).Any(p => p is { First: 0, Second: not 0 }));
        }

        // Zeros count towards the target whatever the criterion says of them.
        PruningResult random =
            Pruner.Prune(once, new RandomPruning(1) { Sparsity = 0.5 }, context: PrunedModels.In(folder));
        using LanguageModel shuffled = random.Model;
        foreach (TensorReport t in random.Report.Tensors) Assert.AreEqual(t.Elements / 2, t.ZerosAfter, t.Name);

        // A model with more zeros than asked for stays as it is.
        using LanguageModel less =
            Pruner.Prune(twice, new Magnitude { Sparsity = 0.2 }, context: PrunedModels.In(folder)).Model;
        Assert.AreEqual(twice.ContentHash, less.ContentHash);
    }

    [TestMethod]
    public void Prune_TwoOfFour_KeepsTwoOfEachGroup()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        PruningResult result = Pruner.Prune(
            model, new Magnitude { Pattern = new NofMPattern(2, 4) }, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        foreach (ParameterSpec p in PrunedModels.Linears(s_spec))
        {
            foreach (float[] group in pruned.Weights[p.Name].ToArray().Chunk(4))
                Assert.AreEqual(2, group.Count(w => w == 0), p.Name);
        }

        Assert.AreEqual(0.5, result.Report.Sparsity);
        Assert.IsNull(pruned.Provenance[0].Options["group"]);
    }

    [TestMethod]
    public void Prune_RandomMethod_DependsOnSeedAndNameOnly()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        using LanguageModel all = Pruner.Prune(model, new RandomPruning(7), context: PrunedModels.In(folder)).Model;
        using LanguageModel one = Pruner.Prune(
            model, new RandomPruning(7) { IncludeTensors = ["layers.1.mlp.up_proj.weight"] },
            context: PrunedModels.In(folder)).Model;
        using LanguageModel other = Pruner.Prune(model, new RandomPruning(8), context: PrunedModels.In(folder)).Model;
        byte[] expected = PrunedModels.Bytes(all, "layers.1.mlp.up_proj.weight");
        CollectionAssert.AreEqual(expected, PrunedModels.Bytes(one, "layers.1.mlp.up_proj.weight"));
        CollectionAssert.AreNotEqual(expected, PrunedModels.Bytes(other, "layers.1.mlp.up_proj.weight"));
        Assert.AreEqual(7, (int)all.Provenance[0].Options["seed"]!);
    }

    [TestMethod]
    public void Prune_EmbeddingAndHead_OnlyWhenNamed()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        PruningResult result = Pruner.Prune(
            model, new Magnitude { IncludeTensors = ["embed_tokens*", "lm_head*"] }, context: PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        CollectionAssert.AreEqual(new[] { TensorNames.Embedding, TensorNames.Head },
            result.Report.Tensors.Select(t => t.Name).ToArray());
        Assert.AreEqual(0.5, result.Report.Sparsity);
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.NegativeInfinity)]
    public void Prune_WeightThatIsNotFinite_NamesItAndLeavesNoFile(float bad)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        string name = TensorNames.Weight(1, TensorNames.Down);
        float[] weight = model.Weights[name].ToArray();
        weight[5 * 140 + 17] = bad;
        using LanguageModel broken = PrunedModels.With(model, new Dictionary<string, float[]> { [name] = weight });
        var e = Assert.ThrowsExactly<PruningException>(
            () => Pruner.Prune(broken, new Magnitude(), context: PrunedModels.In(folder)));
        StringAssert.Contains(e.Message, name);
        StringAssert.Contains(e.Message, "[5, 17]");
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Prune_Cancelled_LeavesNoFile()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        using var source = new CancellationTokenSource();
        var context = new PruningContext
        {
            TempFolder = folder.Path,
            Log = line => { if (line.StartsWith("layers.1", StringComparison.Ordinal)) source.Cancel(); },
            CancellationToken = source.Token,
        };
        Assert.Throws<OperationCanceledException>(() => Pruner.Prune(model, new Magnitude(), context: context));
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Prune_ResultDisposed_LeavesNoFile()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        Pruner.Prune(model, new Magnitude(), context: PrunedModels.In(folder)).Model.Dispose();
        Assert.IsEmpty(folder.Names);
        Assert.IsNotEmpty(PrunedModels.Bytes(model, TensorNames.Embedding));
    }

    [TestMethod]
    public void Prune_FolderMissing_Throws()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var context = new PruningContext { TempFolder = folder["nowhere"] };
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => Pruner.Prune(model, new Magnitude(), context: context));
    }

    [TestMethod]
    public void Report_AfterPruning_SaysWhatHappened()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        var fractions = new List<double>();
        var context = new PruningContext
        {
            TempFolder = folder.Path,
            Progress = new ImmediateProgress(p => fractions.Add(p.Fraction)),
        };
        PruningResult result = Pruner.Prune(model, new Magnitude { Sparsity = 0.25 }, context: context);
        using LanguageModel pruned = result.Model;
        CollectionAssert.AreEqual(new[] { 0.5, 1 }, fractions);

        JsonObject json = result.Report.ToJson();
        Assert.AreEqual("magnitude", (string)json["method"]!);
        Assert.IsNull(json["calibration"]);
        JsonNode first = json["tensors"]![0]!;
        Assert.AreEqual("layers.0.self_attn.q_proj.weight", (string)first["name"]!);
        Assert.AreEqual(256, (long)first["elements"]!);
        Assert.AreEqual(0, (long)first["zerosBefore"]!);
        Assert.AreEqual(64, (long)first["zerosAfter"]!);
        Assert.AreEqual(0.25, (double)first["sparsity"]!);
        StringAssert.Contains((string)json["notes"]![0]!, "neither smaller nor faster");

        string[] lines = result.Report.ToTable().ToString().Split('\n');
        StringAssert.StartsWith(lines[0], "tensor ");
        StringAssert.Contains(lines[1], "layers.0.self_attn.q_proj.weight");
        StringAssert.Contains(lines[1], "0.2500");
        StringAssert.StartsWith(lines[15], "total ");
    }

    private sealed class ImmediateProgress(Action<PruningProgress> handler) : IProgress<PruningProgress>
    {
        public void Report(PruningProgress value) => handler(value);
    }
}
