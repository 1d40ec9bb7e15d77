using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Sparsity;

[TestClass]
public class MaskSelectorTests
{
    private static readonly double[] s_sparsities = [0, 0.1, 1.0 / 3, 0.5, 0.7, 0.99];

    private static readonly (int Rows, int Columns)[] s_shapes =
        [(1, 1), (1, 7), (5, 3), (3, 128), (7, 129), (64, 300), (700, 257), (2, 70_000)];

    [TestMethod]
    [DataRow(ComparisonGroup.Row)]
    [DataRow(ComparisonGroup.Tile)]
    [DataRow(ComparisonGroup.Tensor)]
    public void Select_AnyShapeAndSparsity_AgreesWithSorting(ComparisonGroup group)
    {
        foreach ((int rows, int columns) in s_shapes)
        {
            // Few distinct values, so that ties abound.
            float[] scores = RandomScores(rows * columns, seed: rows + columns, distinct: 50);
            foreach (double sparsity in s_sparsities)
            {
                WeightMask mask = MaskSelector.Select(
                    new ArrayScores("w", rows, columns, scores), SparsityPattern.Unstructured, group, sparsity);
                bool[] expected = SortOracle.Keep(Wide(scores), i => Group(group, i / columns, i % columns), sparsity);
                CollectionAssert.AreEqual(expected, Bits(mask), $"[{rows}, {columns}], {sparsity}");
            }
        }
    }

    [TestMethod]
    public void SelectJointly_SeveralTensors_AgreesWithSortingThemTogether()
    {
        (int Rows, int Columns)[] shapes = [(300, 301), (17, 5), (1, 1), (100, 1000)];
        float[][] scores = [.. shapes.Select((s, i) => RandomScores(s.Rows * s.Columns, i, distinct: 40))];
        IScoreSource[] sources = [.. shapes.Select((s, i) => new ArrayScores($"w{i}", s.Rows, s.Columns, scores[i]))];
        foreach (double sparsity in s_sparsities)
        {
            IReadOnlyList<WeightMask> masks =
                MaskSelector.SelectJointly(sources, SparsityPattern.Unstructured, sparsity);
            bool[] expected = SortOracle.Keep([.. scores.SelectMany(Wide)], _ => 0, sparsity);
            CollectionAssert.AreEqual(expected, masks.SelectMany(Bits).ToArray(), $"{sparsity}");
        }
    }

    [TestMethod]
    public void Select_DistinctScores_AgreesWithSorting()
    {
        float[] scores = RandomScores(200 * 333, seed: 5, distinct: int.MaxValue);
        WeightMask mask = MaskSelector.Select(
            new ArrayScores("w", 200, 333, scores), SparsityPattern.Unstructured, ComparisonGroup.Tensor, 0.37);
        CollectionAssert.AreEqual(SortOracle.Keep(Wide(scores), _ => 0, 0.37), Bits(mask));
    }

    [TestMethod]
    [DataRow(1, 2)]
    [DataRow(2, 4)]
    [DataRow(4, 8)]
    [DataRow(16, 32)]
    [DataRow(1, 256)]
    public void Select_NofM_KeepsExactlyNOfEachAlignedGroup(int n, int m)
    {
        int columns = 3 * m;
        float[] scores = RandomScores(50 * columns, seed: m, distinct: 9);
        var pattern = new NofMPattern(n, m);
        WeightMask mask = MaskSelector.Select(
            new ArrayScores("w", 50, columns, scores), pattern, ComparisonGroup.Row, 0);
        bool[] expected = SortOracle.Keep(Wide(scores), i => i / m, pattern.ImpliedSparsity!.Value);
        CollectionAssert.AreEqual(expected, Bits(mask));
        foreach (bool[] group in Bits(mask).Chunk(m)) Assert.AreEqual(n, group.Count(kept => kept));
    }

    [TestMethod]
    public void Select_NofMThatDoesNotDivide_NamesTensorAndColumns()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => MaskSelector.Select(
            new ArrayScores("layers.0.x", 2, 6, new float[12]), new NofMPattern(2, 4), ComparisonGroup.Row, 0.5));
        StringAssert.Contains(e.Message, "layers.0.x");
        StringAssert.Contains(e.Message, "6 columns");
    }

    [TestMethod]
    [DataRow(ComparisonGroup.Row)]
    [DataRow(ComparisonGroup.Tile)]
    [DataRow(ComparisonGroup.Tensor)]
    public void Select_Blocks_GoWholeAndByTheirSum(ComparisonGroup group)
    {
        // 10 x 270 in blocks of 4 x 8: partial at both edges.
        const int Rows = 10, Columns = 270;
        float[] scores = RandomScores(Rows * Columns, seed: 3, distinct: 30);
        WeightMask mask = MaskSelector.Select(
            new ArrayScores("w", Rows, Columns, scores), new BlockPattern(4, 8), group, 0.6);

        int blockRows = 3, blockColumns = 34;
        var sums = new double[blockRows * blockColumns];
        for (int i = 0; i < scores.Length; i++) sums[i / Columns / 4 * blockColumns + i % Columns / 8] += scores[i];
        bool[] kept = SortOracle.Keep([.. sums.Select(s => (double)(float)s)],
            b => Group(group, b / blockColumns, b % blockColumns * 8), 0.6);
        bool[] expected = [.. Enumerable.Range(0, scores.Length)
            .Select(i => kept[i / Columns / 4 * blockColumns + i % Columns / 8])];
        CollectionAssert.AreEqual(expected, Bits(mask));
    }

    [TestMethod]
    public void Select_BlockThatDoesNotFitTiles_SaysSo()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => MaskSelector.Select(
            new ArrayScores("w", 2, 200, new float[400]), new BlockPattern(1, 3), ComparisonGroup.Tile, 0.5));
        StringAssert.Contains(e.Message, "block:1x3");
    }

    [TestMethod]
    public void Select_ZerosAlreadyThere_CountTowardsTheTarget()
    {
        float zero = float.NegativeInfinity;
        float[] scores = [-5, zero, 3, zero, 1, 2, zero, 9];
        var source = new ArrayScores("w", 1, 8, scores);
        WeightMask half = MaskSelector.Select(source, SparsityPattern.Unstructured, ComparisonGroup.Row, 0.5);
        CollectionAssert.AreEqual(new[] { false, false, true, false, true, true, false, true }, Bits(half));
        WeightMask quarter = MaskSelector.Select(source, SparsityPattern.Unstructured, ComparisonGroup.Row, 0.25);
        CollectionAssert.AreEqual(new[] { true, false, true, false, true, true, true, true }, Bits(quarter));
    }

    [TestMethod]
    public void Select_NegativeZeroAndZero_Tie()
    {
        WeightMask mask = MaskSelector.Select(new ArrayScores("w", 1, 4, new[] { 0f, -0f, 0f, -0f }),
            SparsityPattern.Unstructured, ComparisonGroup.Row, 0.5);
        CollectionAssert.AreEqual(new[] { false, false, true, true }, Bits(mask));
    }

    [TestMethod]
    [DataRow(float.NaN)]
    [DataRow(float.PositiveInfinity)]
    public void Select_ScoreThatIsNotFinite_NamesTensorAndPlace(float bad)
    {
        float[] scores = RandomScores(30 * 40, seed: 1, distinct: 10);
        scores[7 * 40 + 11] = bad;
        foreach (ComparisonGroup group in (ComparisonGroup[])
            [ComparisonGroup.Row, ComparisonGroup.Tile, ComparisonGroup.Tensor])
        {
            var e = Assert.ThrowsExactly<ArgumentException>(() => MaskSelector.Select(
                new ArrayScores("the.tensor", 30, 40, scores), SparsityPattern.Unstructured, group, 0.5));
            StringAssert.Contains(e.Message, "the.tensor");
            StringAssert.Contains(e.Message, "[7, 11]");
        }
    }

    [TestMethod]
    [DataRow(-0.1)]
    [DataRow(1.0)]
    [DataRow(double.NaN)]
    public void Select_SparsityOutOfRange_SaysTheRange(double sparsity)
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => MaskSelector.Select(
            new ArrayScores("w", 1, 2, new float[2]), SparsityPattern.Unstructured, ComparisonGroup.Row, sparsity));
        StringAssert.Contains(e.Message, "[0, 1)");
    }

    [TestMethod]
    [DataRow(172L, 0.5, 86L)]
    [DataRow(10L, 0.3, 3L)]
    [DataRow(100L, 0.29, 28L)]
    [DataRow(3L, 1.0 / 3, 1L)]
    [DataRow(7L, 0.999, 6L)]
    public void RemovedOf_AwkwardProduct_IsCutInFloat64(long count, double sparsity, long expected) =>
        Assert.AreEqual(expected, MaskSelector.RemovedOf(count, sparsity));

    [TestMethod]
    public void Select_CancelledToken_Throws()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsExactly<OperationCanceledException>(() => MaskSelector.Select(
            new ArrayScores("w", 4, 4, new float[16]), SparsityPattern.Unstructured, ComparisonGroup.Tensor, 0.5,
            source.Token));
    }

    private static int Group(ComparisonGroup group, int row, int column) => group switch
    {
        ComparisonGroup.Row => row,
        ComparisonGroup.Tile => column / 128,
        _ => 0,
    };

    private static float[] RandomScores(int count, int seed, int distinct)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.Next(distinct) - 20) * 0.25f)];
    }

    private static double[] Wide(float[] scores) => [.. scores.Select(s => (double)s)];

    private static bool[] Bits(WeightMask mask) =>
        [.. Enumerable.Range(0, (int)mask.Count).Select(i => mask[i / mask.Columns, i % mask.Columns])];
}
