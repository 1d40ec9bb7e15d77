using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Calibration;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>SparseGPT that rounds in the sweep.</summary>
[TestClass]
public sealed class JointQuantizationTests
{
    private const int Rows = 9;
    private const int Columns = 48;

    [TestMethod]
    [DataRow("int4:g8", "unstructured", 0.5, 16)]
    [DataRow("int4:g32", "unstructured", 0.4, 16)]
    [DataRow("int4:g8", "2:4", 0.5, 16)]
    [DataRow("int4:g8", "8:16", 0.5, 16)]
    [DataRow("int8", "unstructured", 0.5, 16)]
    [DataRow("int8", "2:4", 0.5, 128)]
    [DataRow("int4", "unstructured", 0.0, 128)]
    public void Run_CorrelatedInputs_AgreesWithTheDefinition(string grid, string pattern, double sparsity, int tile)
    {
        float[] weight = HessianTests.Inputs(Rows * Columns, seed: 4);
        using ActivationStatistics statistics = Correlated();
        WeightGrid parsed = WeightGrid.Parse(grid);
        GridRounding rounding = Sweep(weight, statistics, pattern, sparsity, tile, parsed);
        double[] damped = HessianTests.Damped(HessianTests.Copy(statistics), Columns, 0.01);
        (double[] expected, bool[] keep) = Float64SparseGpt.Prune(
            weight, damped, SparsityPattern.Parse(pattern), sparsity, tile, grid: parsed);
        float[] actual = rounding.Tensor.ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], 1e-6, $"weight {i}");
        Assert.AreEqual(expected.Where((w, i) => keep[i] && w == 0).Count(), rounding.NewZeros);
    }

    [TestMethod]
    [DataRow("int4:g8", "unstructured")]
    [DataRow("int4:g16", "2:4")]
    [DataRow("int8", "2:4")]
    public void Run_HessianProportionalToIdentity_IsRoundingOfThePruned(string grid, string pattern)
    {
        float[] weight = HessianTests.Inputs(Rows * Columns, seed: 5);
        var inputs = new float[Columns * Columns];
        for (int i = 0; i < Columns; i++) inputs[i * Columns + i] = 1.3f;
        using ActivationStatistics statistics = HessianTests.Seen(inputs, Columns);
        WeightGrid parsed = WeightGrid.Parse(grid);
        float[] actual = Sweep(weight, statistics, pattern, 0.5, 16, parsed).Tensor.ToArray();
        float[] pruned = [.. weight];
        var mask = new WeightMask(Rows, Columns);
        new SparseGptSweep("w", statistics.Factor(0.01), 16, null, default)
            .Run(pruned, mask, new TileMaskChooser(SparsityPattern.Parse(pattern), 0.5));
        GridRounding nearest = GridRounding.Of(new ArrayTensor("w", pruned, [Rows, Columns]), parsed, default);
        CollectionAssert.AreEqual(nearest.Tensor.ToArray(), actual);
    }

    [TestMethod]
    public void Run_SquaredErrors_AddUpToTheChangeOfTheOutputs()
    {
        float[] weight = HessianTests.Inputs(Rows * Columns, seed: 6);
        using ActivationStatistics statistics = Correlated();
        float[] swept = [.. weight];
        WeightUpdateResult result = new SparseGptSweep("w", statistics.Factor(0.01), 16, new Int4Groups(8), default)
            .Run(swept, new WeightMask(Rows, Columns), new TileMaskChooser(SparsityPattern.Unstructured, 0.5));
        double[] actual = Array.ConvertAll(result.Rounding!.Tensor.ToArray(), v => (double)v);
        double error = Float64SparseGpt.Error(weight, actual,
            HessianTests.Damped(HessianTests.Copy(statistics), Columns, 0.01));
        Assert.AreEqual(error, result.SquaredError, 1e-5 * error);
    }

    [TestMethod]
    [DataRow(24, "int4:g32")]
    [DataRow(128, "int4:g256")]
    public void Plan_BlockThatDoesNotFitTheGroups_IsRefusedUnlessOneDividesTheOther(int blockSize, string grid)
    {
        var method = new SparseGpt(blockSize: blockSize) { Quantization = WeightGrid.Parse(grid) };
        if (blockSize == 128)
        {
            Assert.IsNotNull(method.Plan(RandomModel.Llama));
            return;
        }

        var e = Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama));
        StringAssert.Contains(e.Message, "24");
        StringAssert.Contains(e.Message, "32");
    }

    [TestMethod]
    public void Prune_SparseGptWithGrid_StoresCodesAndKeepsZeros()
    {
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        int[][] windows = [.. Enumerable.Range(0, 8).Select(i => RandomModel.Tokens(model.Spec, 16, i))];
        PruningResult result = Pruner.PruneWithWindows(model, new SparseGpt { Quantization = new Int8PerRow() },
            TokenWindows.FromTokens([.. windows.SelectMany(w => w)], 16), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        foreach (TensorReport report in result.Report.Tensors)
        {
            Assert.IsInstanceOfType<QuantizedTensor>(pruned.Weights[report.Name]);
            Assert.AreEqual(report.Elements / 2 + report.RoundedToZero, report.ZerosAfter);
            Assert.IsTrue(report.RelativeError is > 0 and < 0.03, $"{report.RelativeError}");
        }
    }

    // The joint numbers were computed independently with PyTorch 1.13 (float32 model, float64 sweep column by column);
    // those of rounding afterwards are recorded.
    [TestMethod]
    [DataRow("unstructured", 13.6227, 14.2644)]
    [DataRow("2:4", 25.0608, 27.5155)]
    public void Int4_HalfOfStories_BeatsRoundingAfterwards(string pattern, double joint, double nearest)
    {
        double inSweep = Perplexity(pattern, new SparseGptUpdate());
        double afterwards = Perplexity(pattern, new SparseGptUpdate { RoundsInSweep = false });
        Assert.AreEqual(joint, inSweep, 1e-3 * joint, $"{inSweep} {afterwards}");
        Assert.AreEqual(nearest, afterwards, 1e-3 * nearest);
        Assert.IsLessThan(afterwards, inSweep);
    }

    private static double Perplexity(string pattern, SparseGptUpdate update) => GoldenProtocol.Measure(new SparseGpt
    {
        Pattern = SparsityPattern.Parse(pattern),
        Update = update,
        Quantization = new Int4Groups(),
        Calibration = GoldenProtocol.Calibration,
    }).Perplexity;

    private static GridRounding Sweep(float[] weight, ActivationStatistics statistics, string pattern, double sparsity,
        int tile, WeightGrid grid)
    {
        float[] swept = [.. weight];
        return new SparseGptSweep("w", statistics.Factor(0.01), tile, grid, default)
            .Run(swept, new WeightMask(Rows, Columns), new TileMaskChooser(SparsityPattern.Parse(pattern), sparsity))
            .Rounding!;
    }

    // Inputs with a strong common part.
    private static ActivationStatistics Correlated()
    {
        float[] inputs = HessianTests.Inputs(Columns * 150, seed: 9);
        for (int i = 0; i < inputs.Length; i++) inputs[i] += 1.5f * inputs[i / Columns * Columns];
        return HessianTests.Seen(inputs, Columns);
    }
}
