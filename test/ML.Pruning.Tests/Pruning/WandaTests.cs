using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public class WandaTests
{
    private const int WindowLength = 16;

    // A GQA model with unequal layers.
    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        Layers = [RandomModel.Layer(4, 2, 4, 24), RandomModel.Layer(2, 1, 8, 20), RandomModel.Layer(4, 4, 4, 136)],
    };

    [TestMethod]
    [DataRow(ComparisonGroup.Row, 0.5)]
    [DataRow(ComparisonGroup.Row, 0.3)]
    [DataRow(ComparisonGroup.Tile, 0.6)]
    [DataRow(ComparisonGroup.Tensor, 0.5)]
    [DataRow(ComparisonGroup.Layer, 0.45)]
    public void Prune_RandomModel_AgreesWithFloat64(ComparisonGroup group, double sparsity)
    {
        var method = new Wanda { Sparsity = sparsity, Group = group };
        AssertAgrees(method, (name, row, column) => group switch
        {
            ComparisonGroup.Row => (name, row),
            ComparisonGroup.Tile => (name, column / 128),
            ComparisonGroup.Tensor => name,
            _ => 0,
        }, sparsity);
    }

    [TestMethod]
    public void Prune_TwoOfFour_AgreesWithFloat64() => AssertAgrees(
        new Wanda { Pattern = new NofMPattern(2, 4) }, (name, row, column) => (name, row, column / 4), 0.5);

    [TestMethod]
    public void Prune_ModelWide_TakesStatisticsFromTheDenseModel()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 3);
        int[][] windows = Windows(6);
        using LanguageModel pruned = Pruner.PruneWithWindows(model,
            new Wanda { Group = ComparisonGroup.Model, Sparsity = 0.4 }, Join(windows), PrunedModels.In(folder)).Model;

        var scores = new List<(string Name, double Score)>();
        foreach (LinearSpec linear in Enumerable.Range(0, s_spec.Layers.Count).SelectMany(s_spec.Linears))
        {
            double[] sums = Float64Wanda.SumSquares(model, linear.Layer, windows)[linear.Part];
            scores.AddRange(model.Weights[linear.WeightName].ToArray().Select((w, i) =>
                (linear.WeightName, Math.Abs(w) * Math.Sqrt(sums[i % linear.InFeatures]))));
        }

        bool[] keep = Sparsity.SortOracle.Keep([.. scores.Select(s => s.Score)], _ => 0, 0.4);
        foreach (IGrouping<string, bool> tensor in scores.Zip(keep).GroupBy(p => p.First.Name, p => p.Second))
            PrunedModels.AssertMasked(model, pruned, tensor.Key, [.. tensor]);
    }

    [TestMethod]
    public void Prune_SomeLayersOnly_LeavesTheOthersDense()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 4);
        PruningResult result = Pruner.PruneWithWindows(model,
            new Wanda { IncludeTensors = ["layers.1.*"], ExcludeTensors = ["*.o_proj.weight"] }, Join(Windows(4)),
            PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        foreach (ParameterSpec p in s_spec.Parameters())
        {
            bool changes = p is { Layer: 1, Role: ParameterRole.Linear } && p.Part != TensorNames.Output;
            Assert.AreEqual(changes, result.Report.Tensors.Any(t => t.Name == p.Name), p.Name);
            Assert.AreEqual(!changes, ReferenceEquals(model.Weights[p.Name], pruned.Weights[p.Name]), p.Name);
        }

        // The statistics of layer 1 do not depend on what is excluded.
        Dictionary<string, double[]> sums = Float64Wanda.SumSquares(model, 1, Windows(4));
        LinearSpec down = s_spec.Linears(1).Single(l => l.Part == TensorNames.Down);
        float[] weight = model.Weights[down.WeightName].ToArray();
        bool[] keep = Sparsity.SortOracle.Keep(
            [.. weight.Select((w, i) => Math.Abs(w) * Math.Sqrt(sums[down.Part][i % down.InFeatures]))],
            i => i / down.InFeatures, 0.5);
        PrunedModels.AssertMasked(model, pruned, down.WeightName, keep);
    }

    [TestMethod]
    public void Prune_Twice_GivesTheSameBits()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 5);
        TokenWindows windows = Join(Windows(5));
        using LanguageModel first =
            Pruner.PruneWithWindows(model, new Wanda(), windows, PrunedModels.In(folder)).Model;
        using LanguageModel second =
            Pruner.PruneWithWindows(model, new Wanda(), windows, PrunedModels.In(folder)).Model;
        Assert.AreEqual(first.ContentHash, second.ContentHash);
        Assert.AreNotEqual(model.ContentHash, first.ContentHash);
    }

    [TestMethod]
    public void Prune_ActivationsOverflow_NamesTheTensor()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec);
        string norm = TensorNames.Weight(1, TensorNames.AttentionNorm);
        using LanguageModel broken = PrunedModels.With(model, new Dictionary<string, float[]>
        {
            [norm] = [.. Enumerable.Repeat(float.PositiveInfinity, s_spec.HiddenSize)],
        });
        var e = Assert.ThrowsExactly<PruningException>(() =>
            Pruner.PruneWithWindows(broken, new Wanda(), Join(Windows(2)), PrunedModels.In(folder)));
        StringAssert.Contains(e.Message, TensorNames.Weight(1, TensorNames.Query));
        Assert.IsEmpty(folder.Names);
    }

    [TestMethod]
    public void Prune_NoText_SaysThatItIsNeeded()
    {
        using LanguageModel model = RandomModel.Create(s_spec);
        var e = Assert.ThrowsExactly<ArgumentException>(() => Pruner.Prune(model, new Wanda()));
        StringAssert.Contains(e.Message, "wanda needs calibration text");
    }

    [TestMethod]
    public void Prune_TensorOutsideTheLayers_IsRefused()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => new Wanda { IncludeTensors = [TensorNames.Head] }.Plan(s_spec));
        StringAssert.Contains(e.Message, TensorNames.Head);
    }

    private static void AssertAgrees(Wanda method, Func<string, int, int, object> group, double sparsity)
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 2);
        int[][] windows = Windows(6);
        Dictionary<string, bool[]> expected = Float64Wanda.Prune(model, windows, group, sparsity);
        PruningResult result =
            Pruner.PruneWithWindows(model, method, Join(windows), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.HasCount(expected.Count, result.Report.Tensors);
        foreach ((string name, bool[] keep) in expected) PrunedModels.AssertMasked(model, pruned, name, keep);
    }

    private static int[][] Windows(int count) =>
        [.. RandomModel.Tokens(s_spec, count * WindowLength, seed: 8).Chunk(WindowLength)];

    private static TokenWindows Join(int[][] windows) =>
        TokenWindows.FromTokens([.. windows.SelectMany(w => w)], WindowLength);
}
