using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

/// <summary>Property: what ONNX Runtime takes runs here too, with the same outputs, packed where it can be.</summary>
[TestClass]
public sealed class SparseOnnxSessionTests
{
    public static IEnumerable<object[]> Names => OddOnnx.All.Keys.Select(name => new object[] { name });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void Open_OddModel_GivesTheSame(string name)
    {
        using var folder = new TestFolder();
        (int packed, string why, Action<string> write) = OddOnnx.All[name];
        write(folder["model.onnx"]);

        IReadOnlyList<SparseOnnxNode> nodes = AssertSame(folder["model.onnx"]);

        Assert.AreEqual(packed, nodes.Count(node => node.IsPacked));
        if (why.Length > 0) Assert.Contains(why, nodes.Single().Why);
    }

    [TestMethod]
    [DataRow(3, 7)]
    [DataRow(3, 8)]
    [DataRow(4, 9)]
    [DataRow(5, 10)]
    [DataRow(6, 11)]
    [DataRow(7, 13)]
    [DataRow(8, 15)]
    [DataRow(8, 18)]
    [DataRow(9, 19)]
    [DataRow(10, 21)]
    public void Open_EveryVersion_IsPacked(int version, int operatorSet)
    {
        using var folder = new TestFolder();
        OddOnnx.WriteVersion(folder["model.onnx"], version, operatorSet);

        Assert.IsTrue(AssertSame(folder["model.onnx"]).Single().IsPacked);
    }

    private static IReadOnlyList<SparseOnnxNode> AssertSame(string path)
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using SparseOnnxSession dense = SparseOnnxSession.OpenAsItIs(path);
        using SparseOnnxSession sparse = SparseOnnxSession.Open(path, new SparseOnnxOptions { MinimumSize = 0 });
        Assert.IsNull(sparse.WhyDense);
        var random = new Random(1);
        float[] x = [.. Enumerable.Range(0, OddOnnx.Batch * OddOnnx.Columns).Select(_ => random.NextSingle() - 0.5f)];
        float[] expected = Run(dense), found = Run(sparse);
        Assert.HasCount(expected.Length, found);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], found[i], 1e-5f, $"output {i}");
        return sparse.Nodes;

        float[] Run(SparseOnnxSession session) =>
            (float[])session.Run([("x", x, [OddOnnx.Batch, OddOnnx.Columns])], ["y"])[0];
    }
}
