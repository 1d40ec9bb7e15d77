using System.Reflection;
using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public sealed class SensitivityAllocationTests
{
    private static readonly TokenWindows s_windows =
        TokenWindows.FromTokens(RandomModel.Tokens(RandomModel.Llama, 8 * 16), 16);

    [TestMethod]
    public void Choose_QuadraticLosses_EqualisesTheSlopes()
    {
        // Losses a s^2 n: the minimum has a s equal in both units, here to within the grid.
        double[] points = [.. Enumerable.Range(0, 201).Select(i => i / 200.0)];
        long[] counts = [100, 300];
        double[][] losses = [[.. points.Select(s => 1 * s * s * 100)], [.. points.Select(s => 3 * s * s * 300)]];
        double[] chosen = EqualSlope.Choose(counts, points, losses, 0.4);
        Assert.AreEqual(0.4 * 400, chosen[0] * 100 + chosen[1] * 300, 1e-9);
        Assert.AreEqual(chosen[0], 3 * chosen[1], 0.02);
    }

    [TestMethod]
    public void Choose_AnyLosses_IsNoWorseThanAnyOtherChoiceOnTheHulls()
    {
        var random = new Random(3);
        double[] points = [0.2, 0.4, 0.6];
        for (int trial = 0; trial < 50; trial++)
        {
            // Convex, so that the hull is the loss itself.
            double[][] losses = [.. Enumerable.Range(0, 3).Select(_ =>
            {
                double first = random.NextDouble(), second = first + random.NextDouble();
                return new[] { 0, first, first + second };
            })];
            double[] chosen = EqualSlope.Choose([10, 10, 10], points, losses, 0.4);
            double best = Grid(losses).Min();
            Assert.AreEqual(best, chosen.Select((s, i) => At(losses[i], s)).Sum(), 1e-9);
        }

        static double At(double[] loss, double s) => s <= 0.4
            ? loss[0] + (loss[1] - loss[0]) * (s - 0.2) / 0.2
            : loss[1] + (loss[2] - loss[1]) * (s - 0.4) / 0.2;

        // All choices at the points whose mean is the target.
        static IEnumerable<double> Grid(double[][] losses) =>
            from a in Enumerable.Range(0, 3)
            from b in Enumerable.Range(0, 3)
            from c in Enumerable.Range(0, 3)
            where a + b + c == 3
            select losses[0][a] + losses[1][b] + losses[2][c];
    }

    [TestMethod]
    public void Choose_DentInTheLosses_IsSkippedByTheHull()
    {
        // The second point of the first unit lies above the line; a jump from the first to the third costs less.
        double[] chosen = EqualSlope.Choose([10, 10], [0.2, 0.4, 0.6], [[0, 5, 2], [0, 3, 9]], 0.4);
        Assert.AreEqual(0.6, chosen[0], 1e-12);
        Assert.AreEqual(0.2, chosen[1], 1e-12);
    }

    [TestMethod]
    [DataRow("magnitude", SensitivityMeasure.OutputError, SensitivityUnit.Tensor)]
    [DataRow("sparsegpt", SensitivityMeasure.OutputError, SensitivityUnit.Layer)]
    [DataRow("wanda", SensitivityMeasure.Perplexity, SensitivityUnit.Layer)]
    [DataRow("bias", SensitivityMeasure.Perplexity, SensitivityUnit.Tensor)]
    public void Prune_AnyMethod_KeepsTheTotalAndTheSpan(string name, SensitivityMeasure measure, SensitivityUnit unit)
    {
        var allocation = new SensitivityAllocation(measure, unit, span: 0.2);
        WeightPruning method = name switch
        {
            "magnitude" => new Magnitude { Allocation = allocation },
            "sparsegpt" => new SparseGpt { Allocation = allocation },
            "bias" => new Wanda { Allocation = allocation, Update = new BiasCompensation() },
            _ => new Wanda { Allocation = allocation },
        };
        Assert.IsTrue(method.NeedsCalibration);
        using var folder = new TestFolder();
        using LanguageModel model = RandomModel.Create(RandomModel.Llama);
        PruningResult result = Pruner.PruneWithWindows(model, method, s_windows, PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(0.5, result.Plan.Tensors.Sum(t => t.Sparsity * t.Count) / result.Plan.Tensors.Sum(t => t.Count),
            1e-12);
        if (unit == SensitivityUnit.Tensor)
            Assert.IsGreaterThan(1, result.Plan.Tensors.Select(t => t.Sparsity).Distinct().Count());
        Assert.IsTrue(result.Plan.Tensors.All(t => t.Sparsity is >= 0.3 - 1e-12 and <= 0.7 + 1e-12));
        Assert.AreEqual(result.Plan.Zeros, result.Report.Tensors.Sum(t => t.ZerosAfter));
        if (unit == SensitivityUnit.Layer)
        {
            foreach (var layer in result.Plan.Tensors.GroupBy(t => t.Layer))
                Assert.HasCount(1, layer.Select(t => t.Sparsity).Distinct().ToArray());
        }
    }

    [TestMethod]
    public void Plan_NofM_IsRefused()
    {
        var method = new Wanda { Pattern = new NofMPattern(2, 4), Allocation = new SensitivityAllocation() };
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => method.Plan(RandomModel.Llama)).Message, "2:4");
    }

    [TestMethod]
    public void Constructor_OutOfRange_SaysTheRange()
    {
        foreach (double span in (double[])[0, -0.1, 1, double.NaN])
            StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(
                () => new SensitivityAllocation(span: span)).Message, "between 0 and 1");
    }

    // Whoever adds a choice to WeightPruning must copy it too.
    [TestMethod]
    public void With_EveryChoice_IsKept()
    {
        var method = new WeightPruning(new ObsCriterion())
        {
            AllowNonFinite = true,
            Update = new LeastSquaresUpdate(),
            Group = ComparisonGroup.Layer,
            Pattern = new BlockPattern(2, 2),
            Allocation = GlobalAllocation.Instance,
            Sparsity = 0.3,
            SkipIndivisible = true,
            IncludeTensors = ["a"],
            ExcludeTensors = ["b"],
            Quantization = ML.Pruning.Checkpoints.WeightGrid.Parse("int8"),
            Calibration = new CalibrationOptions { Samples = 3 },
        };
        WeightPruning copy = method.With(method.Allocation, method.Sparsity, method.Update, method.MeasuresOutputs);
        foreach (PropertyInfo property in typeof(WeightPruning).GetProperties())
            Assert.AreEqual(property.GetValue(method), property.GetValue(copy), property.Name);
    }

    // Recorded numbers; with one sparsity for all 129.885.
    [TestMethod]
    [TestCategory("Slow")]
    [DataRow(SensitivityMeasure.OutputError, 124.3771)]
    [DataRow(SensitivityMeasure.Perplexity, 96.4467)]
    public void Prune_SeventyPercentOfStories_BeatsUniform(SensitivityMeasure measure, double expected)
    {
        double perplexity = GoldenProtocol.Measure(new Wanda
        {
            Sparsity = 0.7,
            Allocation = new SensitivityAllocation(measure),
            Calibration = GoldenProtocol.Calibration,
        }).Perplexity;
        Assert.AreEqual(expected, perplexity, 1e-3 * expected);
    }
}
