using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Allocations that look at the model before pruning it.</summary>
[TestClass]
public class ScoredAllocationTests
{
    private const int WindowLength = 16;

    private static readonly ModelSpec s_spec = RandomModel.Llama with
    {
        Layers = [RandomModel.Layer(4, 2, 4, 24), RandomModel.Layer(2, 1, 8, 136), RandomModel.Layer(4, 4, 4, 20)],
    };

    [TestMethod]
    public void Owl_RandomModel_AgreesWithFloat64()
    {
        const double Sparsity = 0.6;
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 2);
        int[][] windows = [.. RandomModel.Tokens(s_spec, 6 * WindowLength, seed: 8).Chunk(WindowLength)];
        var allocation = new OwlAllocation(m: 2, lambda: 0.1);
        PruningResult result = Pruner.PruneWithWindows(
            model, new Wanda { Sparsity = Sparsity, Allocation = allocation },
            TokenWindows.FromTokens([.. windows.SelectMany(w => w)], WindowLength), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;

        double[] outliers = [.. Enumerable.Range(0, s_spec.Layers.Count).Select(layer =>
        {
            Dictionary<string, double[]> sums = Float64Wanda.SumSquares(model, layer, windows);
            double[] scores = [.. s_spec.Linears(layer).SelectMany(l => model.Weights[l.WeightName].ToArray()
                .Select((w, i) => Math.Abs(w) * Math.Sqrt(sums[l.Part][i % l.InFeatures])))];
            double mean = scores.Average();
            return scores.Count(s => s > 2 * mean) / (double)scores.Length;
        })];
        double span = outliers.Max() - outliers.Min();
        double[] dense = [.. outliers.Select(d => (d - outliers.Min()) / span * 0.2)];
        long[] sizes = [.. Enumerable.Range(0, dense.Length)
            .Select(l => s_spec.Linears(l).Sum(m => (long)m.OutFeatures * m.InFeatures))];
        double centre = dense.Zip(sizes, (d, n) => d * n).Sum() / sizes.Sum();
        foreach (LinearSpec linear in Enumerable.Range(0, dense.Length).SelectMany(s_spec.Linears))
        {
            int expected = (int)(linear.InFeatures * (Sparsity + centre - dense[linear.Layer]));
            foreach (float[] row in pruned.Weights[linear.WeightName].ToArray().Chunk(linear.InFeatures))
                Assert.AreEqual(expected, row.Count(w => w == 0), linear.WeightName);
        }

        Assert.IsTrue(result.Plan.Tensors.All(t => !t.IsExact && t.Sparsity == Sparsity));
        StringAssert.Contains(string.Join('\n', result.Report.Notes), "owl");
        Assert.AreEqual(0.1, (double)pruned.Provenance[0].Options["allocationOptions"]!["lambda"]!);
    }

    [TestMethod]
    public void Global_MagnitudeByTensor_IsTheGroupModel()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 3);
        using LanguageModel grouped = Pruner.Prune(
            model, new Magnitude { Group = ComparisonGroup.Model }, context: PrunedModels.In(folder)).Model;
        using LanguageModel allocated = Pruner.Prune(
            model, new Magnitude { Allocation = GlobalAllocation.Instance }, context: PrunedModels.In(folder)).Model;
        Assert.AreEqual(grouped.ContentHash, allocated.ContentHash);
    }

    [TestMethod]
    public void Global_SparseGpt_KeepsTheTotal()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 4);
        PruningResult result = Pruner.PruneWithWindows(model, new SparseGpt { Allocation = GlobalAllocation.Instance },
            TokenWindows.FromTokens(RandomModel.Tokens(s_spec, 320), WindowLength), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(0.5, result.Report.Sparsity, 0.001);
        double[] sparsities = [.. result.Report.Tensors.Select(t => t.Sparsity)];
        Assert.IsGreaterThan(0.01, sparsities.Max() - sparsities.Min());
    }

    [TestMethod]
    public void Owl_WithMagnitude_NeedsText()
    {
        var method = new Magnitude { Allocation = new OwlAllocation() };
        Assert.IsTrue(method.NeedsCalibration);
        Assert.IsFalse(new Magnitude { Allocation = GlobalAllocation.Instance }.NeedsCalibration);
        foreach (Magnitude bad in (Magnitude[])
            [
                new() { Allocation = new OwlAllocation(), Pattern = new NofMPattern(2, 4) },
                new() { Allocation = new OwlAllocation(), Group = ComparisonGroup.Layer },
            ])
        {
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => bad.Plan(s_spec)).Message, "owl");
        }
    }

    [TestMethod]
    public void Owl_SpanBeyondOne_IsRefusedByName()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(s_spec, seed: 5);
        var e = Assert.ThrowsExactly<ArgumentException>(() => Pruner.PruneWithWindows(model,
            new Wanda { Sparsity = 0.99, Allocation = new OwlAllocation(m: 2, lambda: 0.2) },
            TokenWindows.FromTokens(RandomModel.Tokens(s_spec, 64), WindowLength), PrunedModels.In(folder)));
        StringAssert.Contains(e.Message, "owl");
        Assert.IsEmpty(folder.Names);
    }
}
