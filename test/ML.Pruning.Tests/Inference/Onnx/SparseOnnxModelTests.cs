using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Inference.Onnx;

[TestClass]
public sealed class SparseOnnxModelTests
{
    private const int Columns = 128;
    private const int Rows = 48;
    private const int Batch = 5;
    private string _folder = "";

    private static SparseOnnxOptions Any => new() { MinimumSize = 0 };

    [TestInitialize]
    public void Start()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        _folder = Directory.CreateTempSubdirectory("ml-pruning-test-").FullName;
    }

    [TestCleanup]
    public void End()
    {
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    [DataRow("ch_PP-OCRv4_det_infer.onnx", 96, 160, 30, "conv2d_transpose_1.w_0")]
    [DataRow("ch_PP-OCRv4_rec_infer.onnx", 48, 160, 30, null)]
    [DataRow("ch_ppocr_mobile_v2.0_cls_infer.onnx", 48, 192, 15, null)]
    public void Write_PrunedModelOfAnotherExporter_GivesTheSameOutputs(
        string name, int height, int width, int packed, string? small)
    {
        string pruned = Path.Combine(_folder, "pruned.onnx"), sparse = Path.Combine(_folder, "sparse");
        PrunedOnnx.Write(PrunedOnnx.Find(name), pruned, 0.8, small);

        IReadOnlyList<SparseOnnxNode> report = SparseOnnxModel.Write(pruned, sparse, Any);

        float[] expected = Run(pruned, 3, height, width);
        Assert.IsGreaterThan(1, expected.Distinct().Count(), "The model says the same everywhere, which tells nothing.");
        AssertClose(expected, Run(Path.Combine(sparse, "model.onnx"), 3, height, width), 1e-4f);
        Assert.Throws<IOException>(() => SparseOnnxModel.Write(pruned, sparse, Any));
        SparseOnnxModel.Write(pruned, sparse, Any with { Overwrite = true });
        Assert.IsGreaterThanOrEqualTo(packed, report.Count(node => node.IsPacked));
        Assert.IsTrue(report.Where(node => node.IsPacked).All(node => node.Sparsity > 0.75));
    }

    [TestMethod]
    public void Write_DenseModel_StaysAsItIs()
    {
        string source = PrunedOnnx.Find("ch_ppocr_mobile_v2.0_cls_infer.onnx"),
            path = Path.Combine(_folder, "same.onnx");

        IReadOnlyList<SparseOnnxNode> report = SparseOnnxModel.Write(source, path);

        Assert.IsFalse(report.Any(node => node.IsPacked));
        CollectionAssert.AreEqual(Run(source, 3, 48, 192), Run(path, 3, 48, 192));
    }

    [TestMethod]
    [DataRow(1f, 1f, true)]
    [DataRow(0.5f, 2f, false)]
    public void Write_Gemm_KeepsItsFactors(float alpha, float beta, bool isTurned)
    {
        string path = Model(graph =>
        {
            float[] weights = Sparse(Rows, Columns, 0.7, seed: 1);
            long[] shape = isTurned ? [Rows, Columns] : [Columns, Rows];
            string w = graph.Initializer("w", n => OnnxInitializer.Of(n, weights, shape));
            string c = graph.Initializer("c", n => OnnxInitializer.Of(n, Sparse(1, Rows, 0, seed: 2), Rows));
            graph.Add("Gemm", ["x", w, c], ["y"],
                ("alpha", (double)alpha), ("beta", (double)beta), ("transB", isTurned ? 1L : 0L));
        });

        AssertPacked(path, "bitmask float32", 1e-5f);
    }

    [TestMethod]
    public void Write_WeightOf8BitCodes_KeepsThem()
    {
        string path = Model(graph =>
        {
            sbyte[] codes = [.. Sparse(Columns, Rows, 0.7, seed: 3).Select(w => (sbyte)Math.Round(w * 40))];
            float[] scales = [.. Enumerable.Range(1, Rows).Select(row => row * 0.001f)];
            string q = graph.Initializer("q", n => OnnxInitializer.Of(n, codes, Columns, Rows));
            string s = graph.Initializer("s", n => OnnxInitializer.Of(n, scales, Rows));
            string w = graph.Add("DequantizeLinear", [q, s], ("axis", 1L));
            graph.Add("MatMul", ["x", w], ["y"]);
        });

        AssertPacked(path, "bitmask int8", 0.02f); // activations become 8-bit codes too
    }

    [TestMethod]
    public void Write_FourBitWeights_KeepsThem()
    {
        string path = Model(graph =>
        {
            var random = new Random(4);
            byte[] nibbles = [.. Enumerable.Range(0, Rows * Columns / 2).Select(_ => (byte)(Code() << 4 | Code()))];
            float[] scales = [.. Enumerable.Range(0, Rows * Columns / 64).Select(i => (1 + i % 7) / 64f)];
            string b = graph.Initializer("b", n => OnnxInitializer.Of(n, nibbles, Rows, Columns / 64, 32));
            string s = graph.Initializer("s", n => OnnxInitializer.Of(n, scales, scales.Length));
            graph.Add("com.microsoft.MatMulNBits", ["x", b, s], ["y"],
                ("K", Columns), ("N", Rows), ("bits", 4), ("block_size", 64));

            int Code() => random.NextDouble() < 0.7 ? 8 : random.Next(1, 16);
        });

        AssertPacked(path, "bitmask int4", 0.02f);
    }

    [TestMethod]
    public void Write_WeightThatIsAnInput_StaysWithTheReason()
    {
        string path = Model(graph =>
        {
            graph.OptionalInput(OnnxInitializer.Of("w", new float[Columns * Rows], Columns, Rows), Columns, Rows);
            graph.Add("MatMul", ["x", "w"], ["y"]);
        });

        SparseOnnxNode node = SparseOnnxModel.Write(path, Path.Combine(_folder, "sparse.onnx")).Single();

        Assert.IsFalse(node.IsPacked);
        Assert.Contains("input of the graph", node.Why);
    }

    [TestMethod]
    public void Write_NoOnnxFile_IsRefused()
    {
        string path = Path.Combine(_folder, "bad.onnx");
        File.WriteAllText(path, "This is a text and no protobuf message at all.");

        Assert.ThrowsExactly<ModelFormatException>(() => SparseOnnxModel.Write(path, Path.Combine(_folder, "x.onnx")));
        Assert.IsFalse(File.Exists(Path.Combine(_folder, "x.onnx")));
    }

    private void AssertPacked(string path, string how, float tolerance)
    {
        string sparse = Path.Combine(_folder, "sparse.onnx");
        SparseOnnxNode node = SparseOnnxModel.Write(path, sparse, Any).Single();
        Assert.IsTrue(node.IsPacked, node.Why);
        Assert.AreEqual(how, node.Why);
        AssertClose(Run(path, Batch, Columns), Run(sparse, Batch, Columns), tolerance);
    }

    private string Model(Action<OnnxGraph> build)
    {
        var graph = new OnnxGraph();
        graph.Input("x", OnnxElement.Float, Batch, Columns);
        build(graph);
        graph.Output("y", OnnxElement.Float, Batch, Rows);
        string path = Path.Combine(_folder, "dense.onnx");
        using FileStream file = File.Create(path);
        OnnxFile.Write(graph, file, CancellationToken.None);
        return path;
    }

    private static float[] Sparse(int rows, int columns, double sparsity, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, rows * columns)
            .Select(_ => random.NextDouble() < sparsity ? 0 : 2 * random.NextSingle() - 1)];
    }

    private static void AssertClose(float[] expected, float[] found, float tolerance)
    {
        Assert.HasCount(expected.Length, found);
        float largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], found[i], tolerance * largest, $"output {i}");
    }

    private static float[] Run(string path, params int[] shape)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1 };
        options.RegisterCustomOpLibrary(SparseOperator.Library!);
        using var session = new InferenceSession(path, options);
        long[] dimensions = shape.Length == 3
            ? [1, .. shape.Select(size => (long)size)]
            : [.. shape.Select(size => (long)size)];
        var random = new Random(1);
        float[] values = [.. Enumerable.Range(0, shape.Aggregate(1, (a, b) => a * b))
            .Select(_ => random.NextSingle() - 0.5f)];
        using OrtValue x = OrtValue.CreateTensorValueFromMemory(values, dimensions);
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> results =
            session.Run(run, [session.InputNames[0]], [x], [session.OutputNames[0]]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
