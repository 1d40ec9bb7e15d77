using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tests.Transforms;

/// <summary>ApplySparseOnnxModel beside ML.NET's own ApplyOnnxModel.</summary>
[TestClass]
public sealed class SparseOnnxStageTests
{
    private const int Columns = 96;
    private const int Rows = 64;

    [TestMethod]
    public void ApplySparseOnnxModel_SparseModel_GivesWhatApplyOnnxModelGives_AlsoAfterLoading()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        WriteModel(folder["model.onnx"]);
        var ml = new MLContext(seed: 1);
        IDataView data = Data(ml);

        SparseOnnxTransformer sparse = ml.Transforms.ApplySparseOnnxModel(["y"], ["x"], folder["model.onnx"]).Fit(data);
        ITransformer dense = ml.Transforms.ApplyOnnxModel(
            ["y"], ["x"], folder["model.onnx"], new Dictionary<string, int[]>(), null, false).Fit(data);
        float[][] expected = Read(ml, dense.Transform(data)), found = Read(ml, sparse.Transform(data));
        ml.Model.Save(sparse, data.Schema, folder["model.zip"]);
        sparse.Dispose();
        (dense as IDisposable)?.Dispose();
        ITransformer loaded = new MLContext().Model.Load(folder["model.zip"], out _);

        AssertClose(expected, found);
        AssertClose(expected, Read(ml, loaded.Transform(data)));
        Assert.IsTrue(((SparseOnnxTransformer)loaded).Nodes.Single().IsPacked);
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    public void ApplySparseOnnxModel_UnknownOutput_IsRefused()
    {
        using var folder = new TestFolder();
        WriteModel(folder["model.onnx"]);

        ArgumentException e = Assert.ThrowsExactly<ArgumentException>(
            () => new MLContext().Transforms.ApplySparseOnnxModel(["z"], ["x"], folder["model.onnx"]));

        Assert.Contains("no output 'z'; it has y", e.Message);
    }

    [TestMethod]
    public void ApplySparseOnnxModel_ColumnOfAnotherType_IsRefused()
    {
        using var folder = new TestFolder();
        WriteModel(folder["model.onnx"]);
        var ml = new MLContext();
        IDataView data = ml.Data.LoadFromEnumerable([new Other()]);

        Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => ml.Transforms.ApplySparseOnnxModel(["y"], ["x"], folder["model.onnx"]).Fit(data));
    }

    private static void WriteModel(string path)
    {
        var random = new Random(1);
        float[] weights = [.. Enumerable.Range(0, Columns * Rows)
            .Select(_ => random.NextDouble() < 0.8 ? 0 : 2 * random.NextSingle() - 1)];
        var graph = new OnnxGraph();
        graph.Input("x", OnnxElement.Float, "batch", Columns);
        string w = graph.Initializer("w", name => OnnxInitializer.Of(name, weights, Columns, Rows));
        graph.Add("Relu", [graph.Add("MatMul", ["x", w])], ["y"]);
        graph.Output("y", OnnxElement.Float, "batch", Rows);
        using FileStream file = File.Create(path);
        OnnxFile.Write(graph, file, CancellationToken.None);
    }

    private static IDataView Data(MLContext ml)
    {
        var random = new Random(2);
        return ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3).Select(_ => new Input
        {
            X = [.. Enumerable.Range(0, Columns).Select(_ => random.NextSingle() - 0.5f)],
        }).ToArray());
    }

    private static float[][] Read(MLContext ml, IDataView data) =>
        [.. ml.Data.CreateEnumerable<Output>(data, reuseRowObject: false).Select(row => row.Y)];

    private static void AssertClose(float[][] expected, float[][] found)
    {
        Assert.HasCount(expected.Length, found);
        for (int row = 0; row < expected.Length; row++)
        {
            Assert.HasCount(Rows, found[row]);
            for (int i = 0; i < Rows; i++) Assert.AreEqual(expected[row][i], found[row][i], 1e-5f, $"row {row}, {i}");
        }
    }

    private sealed class Input
    {
        [ColumnName("x")]
        [VectorType(Columns)]
        public float[] X { get; set; } = [];
    }

    private sealed class Output
    {
        [ColumnName("y")]
        public float[] Y { get; set; } = [];
    }

    private sealed class Other
    {
        [ColumnName("x")]
        public float X { get; set; }
    }
}
