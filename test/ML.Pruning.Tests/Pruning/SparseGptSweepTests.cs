using ML.Pruning.Calibration;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Calibration;
using ML.Pruning.Tests.Sparsity;

namespace ML.Pruning.Tests.Pruning;

/// <summary>SparseGPT on one matrix: oracle by definition, and the identities that follow from it.</summary>
[TestClass]
public class SparseGptSweepTests
{
    private const int Rows = 11;
    private const int Columns = 40;

    [TestMethod]
    [DataRow("unstructured", 0.5, 16)]
    [DataRow("unstructured", 0.5, 128)]
    [DataRow("unstructured", 0.37, 12)]
    [DataRow("2:4", 0.5, 16)]
    [DataRow("4:8", 0.5, 40)]
    [DataRow("1:4", 0.75, 8)]
    public void Run_CorrelatedInputs_AgreesWithTheDefinition(string pattern, double sparsity, int tile)
    {
        float[] weight = Weights();
        using ActivationStatistics statistics = Correlated();
        SparsityPattern parsed = SparsityPattern.Parse(pattern);
        (float[] actual, WeightMask mask, _) = Sweep(weight, statistics, parsed, sparsity, tile);
        (double[] expected, bool[] keep) = Float64SparseGpt.Prune(weight, Damped(statistics), parsed, sparsity, tile);
        CollectionAssert.AreEqual(keep, Bits(mask));
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], 2e-7, $"weight {i}");
    }

    [TestMethod]
    [DataRow(0.5)]
    [DataRow(0.29)]
    [DataRow(0.99)]
    [DataRow(0.0)]
    public void Run_AnySparsity_RemovesTheExactNumberOfEachTile(double sparsity)
    {
        using ActivationStatistics statistics = Correlated();
        (float[] actual, _, _) = Sweep(Weights(), statistics, SparsityPattern.Unstructured, sparsity, tile: 16);
        foreach ((int first, int width) in new[] { (0, 16), (16, 16), (32, 8) })
        {
            int zeros = Enumerable.Range(0, Rows)
                .Sum(r => actual.AsSpan(r * Columns + first, width).Count(0f));
            Assert.AreEqual((int)(Rows * width * sparsity), zeros);
        }
    }

    [TestMethod]
    public void Run_HessianProportionalToIdentity_IsMagnitudeByTileAndMovesNothing()
    {
        float[] weight = Weights();
        using ActivationStatistics statistics = Independent(_ => 1.7f);
        (float[] actual, WeightMask mask, _) = Sweep(weight, statistics, SparsityPattern.Unstructured, 0.5, tile: 16);
        bool[] keep = SortOracle.Keep([.. weight.Select(w => (double)Math.Abs(w))], i => i % Columns / 16, 0.5);
        CollectionAssert.AreEqual(keep, Bits(mask));
        CollectionAssert.AreEqual(weight.Select((w, i) => keep[i] ? w : 0).ToArray(), actual);

        // Not the choice of any row by itself.
        CollectionAssert.AreNotEqual(
            SortOracle.Keep([.. weight.Select(w => (double)Math.Abs(w))], i => i / Columns, 0.5), keep);
    }

    [TestMethod]
    public void Run_DiagonalHessianWithoutDamping_ScoresAsWandaByTile()
    {
        float[] weight = Weights();
        using ActivationStatistics statistics = Independent(i => 1 + i % 7);
        (_, WeightMask mask, _) = Sweep(weight, statistics, SparsityPattern.Unstructured, 0.5, tile: 16, damping: 0);
        bool[] keep = SortOracle.Keep(
            [.. weight.Select((w, i) => Math.Abs(w) * (1.0 + i % Columns % 7))], i => i % Columns / 16, 0.5);
        CollectionAssert.AreEqual(keep, Bits(mask));
    }

    [TestMethod]
    [DataRow("unstructured")]
    [DataRow("2:4")]
    [DataRow("block:2x4")]
    public void Run_SquaredErrors_AddUpToTheChangeOfTheOutputs(string pattern)
    {
        float[] weight = Weights();
        using ActivationStatistics statistics = Correlated();
        (float[] actual, _, WeightUpdateResult result) =
            Sweep(weight, statistics, SparsityPattern.Parse(pattern), 0.5, tile: 16);
        double error = Float64SparseGpt.Error(weight, Array.ConvertAll(actual, v => (double)v), Damped(statistics));
        Assert.IsGreaterThan(0, error);
        Assert.AreEqual(error, result.SquaredError, 1e-5 * error);
    }

    [TestMethod]
    public void Run_TwoOfFour_HasExactlyTwoZerosInEachGroup()
    {
        using ActivationStatistics statistics = Correlated();
        (float[] actual, _, _) = Sweep(Weights(), statistics, new NofMPattern(2, 4), 0.5, tile: 16);
        foreach (float[] group in actual.Chunk(4)) Assert.AreEqual(2, group.Count(w => w == 0));
    }

    [TestMethod]
    public void Run_Blocks_GoWhole()
    {
        using ActivationStatistics statistics = Correlated();
        (float[] actual, _, _) = Sweep(Weights(), statistics, new BlockPattern(1, 4), 0.5, tile: 16);
        Assert.AreEqual(2 * (int)(Rows * 4 * 0.5) + (int)(Rows * 2 * 0.5),
            actual.Chunk(4).Count(block => block.All(w => w == 0)));
        Assert.IsTrue(actual.Chunk(4).All(block => block.Count(w => w == 0) is 0 or 4));
    }

    [TestMethod]
    public void Update_GivenMask_LiesBetweenLeastSquaresAndNoUpdate()
    {
        float[] weight = Weights();
        using ActivationStatistics statistics = Correlated();
        double[] damped = Damped(statistics);
        bool[] keep = SortOracle.Keep([.. weight.Select(w => (double)Math.Abs(w))], i => i / Columns, 0.5);
        float[] none = [.. weight.Select((w, i) => keep[i] ? w : 0)];
        float[] swept = [.. weight], best = [.. weight];
        new SparseGptUpdate().Update("w", swept, Mask(keep), statistics, default);
        WeightUpdateResult result = new LeastSquaresUpdate().Update("w", best, Mask(keep), statistics, default);

        double Error(float[] after) =>
            Float64SparseGpt.Error(weight, Array.ConvertAll(after, v => (double)v), damped);
        Assert.IsLessThan(Error(swept), Error(best));
        Assert.IsLessThan(Error(none), Error(swept));
        Assert.AreEqual(Error(best), result.SquaredError, 1e-5 * result.SquaredError);
        for (int i = 0; i < keep.Length; i++)
        {
            Assert.AreEqual(keep[i], swept[i] != 0);
            Assert.AreEqual(keep[i], best[i] != 0);
        }

        (double[] expected, _) = Float64SparseGpt.Prune(
            weight, damped, SparsityPattern.Unstructured, 0.5, given: keep);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], swept[i], 2e-7);

        // At the minimum the gradient of every kept weight is 0.
        for (int i = 0; i < keep.Length; i++)
        {
            if (!keep[i]) continue;
            int row = i / Columns, column = i % Columns;
            double gradient = Enumerable.Range(0, Columns).Sum(j =>
                damped[column * Columns + j] * (best[row * Columns + j] - weight[row * Columns + j]));
            Assert.AreEqual(0, gradient, 1e-4);
        }
    }

    [TestMethod]
    public void Update_OtherBlockSize_GivesTheSameWeights()
    {
        float[] weight = Weights();
        using ActivationStatistics statistics = Correlated();
        WeightMask mask = Mask(SortOracle.Keep([.. weight.Select(w => (double)Math.Abs(w))], i => 0, 0.5));
        float[] small = [.. weight], large = [.. weight];
        new SparseGptUpdate(blockSize: 3).Update("w", small, mask, statistics, default);
        new SparseGptUpdate(blockSize: 1000).Update("w", large, mask, statistics, default);
        for (int i = 0; i < small.Length; i++) Assert.AreEqual(large[i], small[i], 1e-6);
    }

    [TestMethod]
    public void Run_DeadColumn_BecomesZeroAndGoesFirst()
    {
        float[] inputs = HessianTests.Inputs(Columns * 100, seed: 5);
        for (int i = 3; i < inputs.Length; i += Columns) inputs[i] = 0;
        float[] weight = Weights();
        for (int r = 0; r < Rows; r++) weight[r * Columns + 3] = 100;
        using ActivationStatistics statistics = HessianTests.Seen(inputs, Columns);
        (float[] actual, _, _) = Sweep(weight, statistics, SparsityPattern.Unstructured, 0.5, tile: 16);
        for (int r = 0; r < Rows; r++) Assert.AreEqual(0, actual[r * Columns + 3]);
        Assert.AreEqual(Rows * 16 / 2, Enumerable.Range(0, Rows).Sum(r => actual.AsSpan(r * Columns, 16).Count(0f)));

        float[] solved = [.. weight];
        new LeastSquaresUpdate().Update("w", solved, new WeightMask(Rows, Columns), statistics, default);
        for (int i = 0; i < solved.Length; i++) Assert.AreEqual(i % Columns == 3 ? 0 : weight[i], solved[i], 1e-5);
    }

    [TestMethod]
    public void Run_ZerosAlreadyThere_StayAndCount()
    {
        float[] weight = Weights();
        for (int i = 0; i < weight.Length; i += 3) weight[i] = 0;
        using ActivationStatistics statistics = Correlated();
        (string Pattern, double Sparsity)[] cases = [("unstructured", 0.5), ("unstructured", 0.1), ("2:4", 0.5)];
        foreach ((string pattern, double sparsity) in cases)
        {
            (float[] actual, _, _) = Sweep(weight, statistics, SparsityPattern.Parse(pattern), sparsity, tile: 16);
            for (int i = 0; i < weight.Length; i += 3) Assert.AreEqual(0, actual[i]);
            int before = weight.Count(w => w == 0), after = actual.Count(w => w == 0);
            int asked = new[] { 16, 16, 8 }.Sum(width => (int)(Rows * width * sparsity));
            Assert.AreEqual(Math.Max(before, asked), after, pattern);
        }
    }

    [TestMethod]
    public void Run_FewerTokensThanFeatures_StaysFinite()
    {
        using ActivationStatistics statistics = HessianTests.Seen(HessianTests.Inputs(Columns * 3, seed: 2), Columns);
        (float[] actual, _, WeightUpdateResult result) =
            Sweep(Weights(), statistics, SparsityPattern.Unstructured, 0.5, tile: 16, damping: 0);
        Assert.IsTrue(actual.All(float.IsFinite));
        Assert.AreEqual(0, result.AskedDamping);
        Assert.IsGreaterThan(0, result.UsedDamping);
    }

    private static (float[] Weight, WeightMask Mask, WeightUpdateResult Result) Sweep(float[] weight,
        ActivationStatistics statistics, SparsityPattern pattern, double sparsity, int tile, double damping = 0.01)
    {
        float[] updated = [.. weight];
        var mask = new WeightMask(Rows, Columns);
        WeightUpdateResult result = new SparseGptSweep("w", statistics.Factor(damping), tile, null, default)
            .Run(updated, mask, new TileMaskChooser(pattern, sparsity));
        return (updated, mask, result);
    }

    private static double[] Damped(ActivationStatistics statistics) =>
        HessianTests.Damped(HessianTests.Copy(statistics), statistics.Features, 0.01);

    // Inputs with a strong common part.
    private static ActivationStatistics Correlated()
    {
        float[] inputs = HessianTests.Inputs(Columns * 150, seed: 9);
        for (int i = 0; i < inputs.Length; i++) inputs[i] += 1.5f * inputs[i / Columns * Columns];
        return HessianTests.Seen(inputs, Columns);
    }

    // One feature a token, so that the Hessian is diagonal.
    private static ActivationStatistics Independent(Func<int, float> size)
    {
        var inputs = new float[Columns * Columns];
        for (int i = 0; i < Columns; i++) inputs[i * Columns + i] = size(i);
        return HessianTests.Seen(inputs, Columns);
    }

    private static float[] Weights() => HessianTests.Inputs(Rows * Columns, seed: 4);

    private static WeightMask Mask(bool[] keep) =>
        WeightMask.FromNonZeros([.. keep.Select(k => k ? 1f : 0f)], Rows, Columns);

    private static bool[] Bits(WeightMask mask) =>
        [.. Enumerable.Range(0, (int)mask.Count).Select(i => mask[i / mask.Columns, i % mask.Columns])];
}
