using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Sparsity;

[TestClass]
public class AllocationTests
{
    private static readonly WeightShape[] s_shapes =
    [
        new("layers.0.a", 0, 30, 40), new("layers.0.b", 0, 100, 40), new("layers.1.a", 1, 30, 40),
        new("layers.1.b", 1, 100, 40), new("layers.2.a", 2, 30, 40), new("layers.2.b", 2, 100, 40),
    ];

    // Published file sizes of RigL's ResNet-50: float32 values, and one bit for each weight of a masked layer.
    [TestMethod]
    [DataRow(0.80, 23.683, 8)]
    [DataRow(0.90, 13.499, 1)]
    [DataRow(0.95, 8.399, 0)]
    public void Erk_ResNet50_GivesThePublishedFileSizes(double sparsity, double megabytes, int denseLayers)
    {
        List<long[]> shapes = ResNet50();
        const long Other = 27_560;
        Assert.AreEqual(25_502_912, shapes.Sum(Count));
        IReadOnlyList<double> allocated = new ErkAllocation().Allocate(shapes, sparsity);
        long bits = 32 * Other;
        foreach ((long[] shape, double own) in shapes.Zip(allocated))
            bits += own == 0 ? 32 * Count(shape) : 32 * (Count(shape) - (long)(Count(shape) * own)) + Count(shape);

        // Half of the last digit that was printed, and a weight for each layer, as roundings differ.
        Assert.AreEqual(megabytes, bits / 8e6, 5e-4 + 4e-6 * shapes.Count);
        Assert.AreEqual(denseLayers, allocated.Count(s => s == 0));
    }

    [TestMethod]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    [DataRow(0.0)]
    public void Erk_Matrices_KeepTheTotalAndGiveLargerOnesMore(double sparsity)
    {
        IReadOnlyList<double> allocated = new ErkAllocation().Allocate(s_shapes, sparsity);
        Assert.AreEqual(sparsity, Mean(allocated), 1e-12);
        Assert.IsTrue(allocated.All(s => s is >= 0 and < 1));
        if (sparsity > 0) Assert.IsGreaterThan(allocated[0], allocated[1]);
        foreach (double s in new ErkAllocation(power: 0).Allocate(s_shapes, sparsity))
            Assert.AreEqual(sparsity, s, 1e-12);
    }

    [TestMethod]
    public void Owl_OutliersDiffer_SpansTwoLambdaAroundTheTarget()
    {
        // Of layer 0 no score, of layer 1 one in 20, of layer 2 one in 10 is far above the mean.
        IScoreSource[] scores = [.. s_shapes.Select(s => new ArrayScores(s.Name, s.Rows, s.Columns,
            Enumerable.Range(0, (int)s.Count)
                .Select(i => s.Layer > 0 && i % (20 / s.Layer) == 0 ? 50f : 1f).ToArray()))];
        IReadOnlyList<double> allocated = new OwlAllocation().AllocateByScores(s_shapes, 0.7, scores);
        Assert.AreEqual(0.7, Mean(allocated), 1e-12);
        CollectionAssert.AreEqual(new[] { 0.78, 0.78, 0.70, 0.70, 0.62, 0.62 },
            allocated.Select(s => Math.Round(s, 12)).ToArray());

        // By another M nothing is an outlier, and all are equal.
        foreach (double s in new OwlAllocation(m: 100).AllocateByScores(s_shapes, 0.7, scores))
            Assert.AreEqual(0.7, s, 1e-12);
    }

    [TestMethod]
    public void Owl_UnequalLayers_KeepTheTotal()
    {
        WeightShape[] shapes = [new("layers.0.a", 0, 10, 40), new("layers.1.a", 1, 100, 40)];
        IScoreSource[] scores = [.. shapes.Select(s => new ArrayScores(s.Name, s.Rows, s.Columns,
            Enumerable.Range(0, (int)s.Count).Select(i => i % 10 == 0 ? 10f * s.Layer : 0.1f).ToArray()))];
        IReadOnlyList<double> allocated = new OwlAllocation(lambda: 0.1).AllocateByScores(shapes, 0.5, scores);
        Assert.AreEqual(0.2, allocated[0] - allocated[1], 1e-12);
        Assert.AreEqual(0.5, (allocated[0] * 400 + allocated[1] * 4000) / 4400, 1e-12);
    }

    [TestMethod]
    public void Global_AnyScores_GivesTheCountsBelowOneThreshold()
    {
        var random = new Random(3);
        float[][] values = [.. s_shapes.Select((s, i) =>
            Enumerable.Range(0, (int)s.Count).Select(_ => (float)random.NextDouble() * (1 + i / 5f)).ToArray())];
        IScoreSource[] scores = [.. s_shapes.Select((s, i) => new ArrayScores(s.Name, s.Rows, s.Columns, values[i]))];
        IReadOnlyList<double> allocated = GlobalAllocation.Instance.AllocateByScores(s_shapes, 0.6, scores);
        bool[] keep = SortOracle.Keep([.. values.SelectMany(v => v).Select(v => (double)v)], _ => 0, 0.6);
        int start = 0;
        for (int i = 0; i < s_shapes.Length; i++)
        {
            int count = (int)s_shapes[i].Count;
            Assert.AreEqual(keep.Skip(start).Take(count).Count(k => !k), MaskSelector.RemovedOf(count, allocated[i]));
            start += count;
        }
    }

    [TestMethod]
    public void File_Patterns_FirstMatchCounts()
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "allocation.json");
        File.WriteAllText(path, """{ "layers.1.*": 0.25, "*.b": 0.75 }""");
        CollectionAssert.AreEqual(new[] { 0.5, 0.75, 0.25, 0.25, 0.5, 0.75 },
            FileAllocation.Read(path).Allocate(s_shapes, 0.5).ToArray());
    }

    [TestMethod]
    [DataRow("""{ "*": 1.0 }""", "1")]
    [DataRow("""{ "*": "half" }""", "half")]
    [DataRow("""{ "*": null }""", "null")]
    [DataRow("{ }", "no rule")]
    public void File_BadValue_IsNamed(string json, string named)
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "allocation.json");
        File.WriteAllText(path, json);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => FileAllocation.Read(path)).Message, named);
    }

    [TestMethod]
    public void File_MissingOrNoObjectOrNoMatch_IsRefused()
    {
        using var folder = new TestFolder();
        string path = Path.Combine(folder.Path, "allocation.json");
        Assert.ThrowsExactly<FileNotFoundException>(() => FileAllocation.Read(path));
        File.WriteAllText(path, "[1]");
        Assert.ThrowsExactly<CheckpointFormatException>(() => FileAllocation.Read(path));
        var allocation = new FileAllocation([KeyValuePair.Create("layer.0.*", 0.5)]);
        var e = Assert.ThrowsExactly<ArgumentException>(() => allocation.Allocate(s_shapes, 0.5));
        StringAssert.Contains(e.Message, "'layer.0.*'");
    }

    [TestMethod]
    public void Constructors_OutOfRange_SayTheRange()
    {
        Assert.ThrowsExactly<ArgumentException>(() => new ErkAllocation(-1));
        Assert.ThrowsExactly<ArgumentException>(() => new OwlAllocation(m: 0));
        Assert.ThrowsExactly<ArgumentException>(() => new OwlAllocation(lambda: 0.5));
        Assert.ThrowsExactly<ArgumentException>(() => new ErkAllocation().Allocate(s_shapes, 1));
    }

    private static double Mean(IReadOnlyList<double> allocated) =>
        allocated.Zip(s_shapes, (s, shape) => s * shape.Count).Sum() / s_shapes.Sum(s => s.Count);

    private static long Count(long[] shape) => shape.Aggregate(1L, (product, d) => product * d);

    private static List<long[]> ResNet50()
    {
        var shapes = new List<long[]> { new long[] { 7, 7, 3, 64 } };
        long input = 64;
        foreach ((long width, int blocks) in new[] { (64L, 3), (128L, 4), (256L, 6), (512L, 3) })
        {
            for (int block = 0; block < blocks; block++)
            {
                if (block == 0) shapes.Add([1, 1, input, 4 * width]);
                shapes.Add([1, 1, input, width]);
                shapes.Add([3, 3, width, width]);
                shapes.Add([1, 1, width, 4 * width]);
                input = 4 * width;
            }
        }

        shapes.Add([2048, 1000]);
        return shapes;
    }
}
