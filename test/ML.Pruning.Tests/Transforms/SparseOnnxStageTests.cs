using Microsoft.ML;
using Microsoft.ML.Data;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
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

        SparseOnnxTransformer sparse = ml.Transforms.ApplySparseOnnxModel(new SparseOnnxEstimator.Options
        {
            ModelFile = folder["model.onnx"],
            InputColumnNames = ["x"],
            OutputColumnNames = ["y"],
            Measure = false, // so small a product may be faster dense
        }).Fit(data);
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

    // Whichever way is faster, the outputs are the same.
    [TestMethod]
    public void ApplySparseOnnxModel_Measured_GivesWhatTheKernelsGive()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        WriteModel(folder["model.onnx"]);
        var ml = new MLContext(seed: 1);
        IDataView data = Data(ml);
        using SparseOnnxTransformer measured =
            ml.Transforms.ApplySparseOnnxModel(["y"], ["x"], folder["model.onnx"]).Fit(data);
        using SparseOnnxTransformer packed = ml.Transforms.ApplySparseOnnxModel(
            new SparseOnnxEstimator.Options { ModelFile = folder["model.onnx"], Measure = false }).Fit(data);

        AssertClose(Read(ml, packed.Transform(data)), Read(ml, measured.Transform(data)));
        Assert.Contains("the model:", measured.Nodes.Single().Why);
    }

    // A model that cannot be rewritten keeps its data in files of their own, also in the zip, and in a zip of that.
    [TestMethod]
    public void ApplySparseOnnxModel_DenseModelWithDataInAFile_IsSavedWithIt()
    {
        using var folder = new TestFolder();
        string weights = OddOnnx.WriteExternalInside(folder["model.onnx"]);
        var ml = new MLContext(seed: 1) { TempFilePath = Directory.CreateDirectory(folder["temporary"]).FullName };
        IDataView data = Wide(ml);

        SparseOnnxTransformer stage = ml.Transforms.ApplySparseOnnxModel(["y"], ["x"], folder["model.onnx"], Shapes)
            .Fit(data);
        float[][] expected = Read(ml, stage.Transform(data));
        ml.Model.Save(stage, data.Schema, folder["model.zip"]);
        stage.Dispose();
        File.Delete(folder["model.onnx"]);
        File.Delete(weights);
        using var loaded = (SparseOnnxTransformer)ml.Model.Load(folder["model.zip"], out _);
        ml.Model.Save(loaded, data.Schema, folder["again.zip"]);
        using var again = (SparseOnnxTransformer)ml.Model.Load(folder["again.zip"], out _);

        Assert.Contains("in a file of its own", stage.WhyDense!);
        Assert.IsGreaterThan(0.1f, expected[0].Max(Math.Abs));
        for (int row = 0; row < expected.Length; row++)
        {
            CollectionAssert.AreEqual(expected[row], Read(ml, loaded.Transform(data))[row]);
            CollectionAssert.AreEqual(expected[row], Read(ml, again.Transform(data))[row]);
        }

        loaded.Dispose();
        again.Dispose();
        Assert.IsEmpty(Directory.EnumerateFileSystemEntries(folder["temporary"]).Where(
            entry => Directory.EnumerateFileSystemEntries(entry).Any()).ToArray());
    }

    [TestMethod]
    public void Save_DataThatHasChanged_IsRefused()
    {
        using var folder = new TestFolder();
        string weights = OddOnnx.WriteExternalInside(folder["model.onnx"]);
        var ml = new MLContext(seed: 1);
        IDataView data = Wide(ml);
        using SparseOnnxTransformer stage = ml.Transforms.ApplySparseOnnxModel(
            ["y"], ["x"], folder["model.onnx"], Shapes).Fit(data);
        File.AppendAllText(weights, "more");

        InvalidOperationException e = Assert.ThrowsExactly<InvalidOperationException>(
            () => ml.Model.Save(stage, data.Schema, folder["model.zip"]));

        Assert.Contains("'data/weights.bin'", e.Message);
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

    private static Dictionary<string, int[]> Shapes => new()
    {
        ["x"] = [OddOnnx.Batch, OddOnnx.Columns],
        ["y"] = [OddOnnx.Batch, OddOnnx.Rows],
    };

    private static IDataView Wide(MLContext ml)
    {
        var random = new Random(3);
        return ml.Data.LoadFromEnumerable(Enumerable.Range(0, 2).Select(_ => new WideInput
        {
            X = [.. Enumerable.Range(0, OddOnnx.Batch * OddOnnx.Columns).Select(_ => random.NextSingle() - 0.5f)],
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

    private sealed class WideInput
    {
        [ColumnName("x")]
        [VectorType(OddOnnx.Batch * OddOnnx.Columns)]
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
