using ML.Pruning.Export.Onnx;
using ML.Pruning.Export.Onnx.Rewriting;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Inference.Onnx;

/// <summary>Products whose activations a model quantises with scales of its own.</summary>
[TestClass]
public sealed class ActivationGridTests
{
    private const int Columns = 128;
    private const int Rows = 48;
    private const int Batch = 11;
    private const float Step = 0.003f;

    [TestInitialize]
    public void Start()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
    }

    // A tiny case worked by hand: codes of x are 2 (2.5 to even), 255 (cut) and 0 (cut), less the zero point 10.
    [TestMethod]
    public void Write_UnsignedCodesWithAZeroPoint_GivesWhatTheDefinitionSays()
    {
        using var folder = new TestFolder();
        string path = Write(folder, (graph, x) =>
        {
            string w = Weight(graph, "w", [2, -3, 0, 0, 127, 0], 3, 2, 0.5f);
            graph.Add("MatMul", [Grid(graph, x, "x", 0.5f, (byte)10), w], ["y"]);
        }, 1, 3, 2);

        float[] y = Run(Pack(folder, path), [-3.75f, 1000, -1000], [1, 3]);

        // Codes less 10: -8 (-7.5 to even), 245, -10; times weights' codes, times 0.5 * 0.5.
        CollectionAssert.AreEqual(new[] { 0.25f * (-8 * 2 + -10 * 127), 0.25f * (-8 * -3) }, y);
    }

    [TestMethod]
    [DataRow(true, 0)]
    [DataRow(true, 17)]
    [DataRow(true, -128)]
    [DataRow(false, 0)]
    [DataRow(false, 128)]
    [DataRow(false, 201)]
    public void Write_GridOfTheModel_GivesOnnxRuntimesOutputsWithoutQuantisingTwice(bool isSigned, int zeroPoint)
    {
        using var folder = new TestFolder();
        string path = Write(folder, (graph, x) =>
        {
            string grid = isSigned ? Grid(graph, x, "x", Step, (sbyte)zeroPoint)
                : Grid(graph, x, "x", Step, (byte)zeroPoint);
            graph.Add("MatMul", [grid, Weight(graph, "w")], ["y"]);
        });

        string sparse = Pack(folder, path);

        AssertSame(path, sparse);
        CollectionAssert.AreEqual(new[] { "SparseMatMul" }, Operators(sparse));
    }

    [TestMethod]
    public void Write_CodesOfAnotherNode_AreTakenAsTheyAre()
    {
        using var folder = new TestFolder();
        string path = Write(folder, (graph, x) =>
        {
            string step = Scalar(graph, "step", Step), zero = graph.Initializer(
                "zero", name => OnnxInitializer.Of(name, new byte[] { 90 }));
            string codes = graph.Add("Identity", [graph.Add("QuantizeLinear", [x, step, zero])]);
            graph.Add("MatMul", [graph.Add("DequantizeLinear", [codes, step, zero]), Weight(graph, "w")], ["y"]);
        });

        string sparse = Pack(folder, path);

        AssertSame(path, sparse);
        Assert.Contains("DequantizeLinear", Operators(sparse));
    }

    // What others read stays; a second product reads the same codes.
    [TestMethod]
    public void Write_LayersOfAQuantisedModel_GiveOnnxRuntimesOutputs()
    {
        using var folder = new TestFolder();
        string path = Write(folder, (graph, x) =>
        {
            string input = Grid(graph, x, "x", Step, (sbyte)-5);
            string bias = graph.Initializer("bias", n => OnnxInitializer.Of(n, Values(Rows, 0, seed: 8), Rows));
            string first = graph.Add("Relu", [graph.Add("Gemm", [input, Weight(graph, "a"), bias])]);
            string hidden = Grid(graph, first, "h", 0.004f, (byte)0);
            string square = graph.Add("MatMul", [hidden, Weight(graph, "b", Rows)]);
            string shortcut = graph.Add("MatMul", [input, Weight(graph, "c")]);
            string means = graph.Add("ReduceMean", [input]);
            graph.Add("Sum", [square, shortcut, means], ["y"]);
        });

        string sparse = Pack(folder, path);

        AssertSame(path, sparse);
        Assert.AreEqual(3, Operators(sparse).Count(type => type == "SparseMatMul"));
        Assert.AreEqual(1, Operators(sparse).Count(type => type == "QuantizeLinear"), "the mean reads the first");
    }

    [TestMethod]
    public void Write_ScaleOfAnInput_StaysAsItWas()
    {
        using var folder = new TestFolder();
        string path = Write(folder, (graph, x) =>
        {
            graph.OptionalInput(OnnxInitializer.Of<float>("step", [Step]));
            string grid = graph.Add("DequantizeLinear", [graph.Add("QuantizeLinear", [x, "step"]), "step"]);
            graph.Add("MatMul", [grid, Weight(graph, "w")], ["y"]);
        });

        string sparse = Pack(folder, path);

        CollectionAssert.IsSubsetOf(new[] { "QuantizeLinear", "DequantizeLinear", "SparseMatMul" }, Operators(sparse));
        AssertSame(path, sparse, tolerance: 0.02f);
    }

    [TestMethod]
    [DataRow(0f, -128, 127)]
    [DataRow(float.NaN, -128, 127)]
    [DataRow(1f, 1, 100)]
    [DataRow(1f, -10, 246)]
    public void Open_GridThatIsNone_IsRefused(float scale, int lowest, int highest)
    {
        using PackedMatrix matrix = PackedMatrix.Pack([1, 2], 1, 2, PackedFormat.Dense, PackedType.Int8);
        byte[] bytes = matrix.Bytes.ToArray();

        Assert.ThrowsExactly<ArgumentException>(() => PackedMatrix.Open(bytes, new(scale, lowest, highest)));
    }

    private static string Pack(TestFolder folder, string path)
    {
        string sparse = folder["sparse.onnx"];
        IReadOnlyList<SparseOnnxNode> report =
            SparseOnnxModel.Write(path, sparse, new SparseOnnxOptions { MinimumSize = 0, MinimumSparsity = 0.3 });
        Assert.IsTrue(report.All(node => node.IsPacked && node.Why == "bitmask int8"), string.Join('\n', report));
        return sparse;
    }

    private static string[] Operators(string path) => [.. new OnnxGraphFile(path).Nodes.Select(node => node.Type)];

    private static void AssertSame(string expected, string found, float tolerance = 1e-6f)
    {
        float[] x = Values(Batch * Columns, 0, seed: 1), a = Run(expected, x, [Batch, Columns]),
            b = Run(found, x, [Batch, Columns]);
        float largest = a.Max(Math.Abs);
        Assert.IsGreaterThan(0.1f, largest);
        for (int i = 0; i < a.Length; i++) Assert.AreEqual(a[i], b[i], tolerance * largest, $"output {i}");
    }

    private static float[] Run(string path, float[] x, long[] shape)
    {
        using SparseOnnxSession session = SparseOnnxSession.OpenAsItIs(path);
        return (float[])session.Run([("x", x, shape)], ["y"])[0];
    }

    private static string Write(TestFolder folder, Action<OnnxGraph, string> build, int batch = Batch,
        int columns = Columns, int rows = Rows)
    {
        var graph = new OnnxGraph();
        graph.Input("x", OnnxElement.Float, batch, columns);
        build(graph, "x");
        graph.Output("y", OnnxElement.Float, batch, rows);
        using FileStream file = File.Create(folder["model.onnx"]);
        OnnxFile.Write(graph, file, CancellationToken.None);
        return folder["model.onnx"];
    }

    private static string Grid<T>(OnnxGraph graph, string x, string name, float step, T zeroPoint)
        where T : unmanaged
    {
        string s = Scalar(graph, $"{name}/step", step),
            z = graph.Initializer($"{name}/zero", n => OnnxInitializer.Of<T>(n, [zeroPoint]));
        return graph.Add("DequantizeLinear", [graph.Add("QuantizeLinear", [x, s, z]), s, z]);
    }

    private static string Weight(OnnxGraph graph, string name, int columns = Columns) => Weight(graph, name,
        [.. Values(columns * Rows, 0.7, columns + name[0]).Select(w => (sbyte)Math.Round(w * 127))], columns, Rows,
        0.01f);

    private static string Weight(OnnxGraph graph, string name, sbyte[] codes, int columns, int rows, float scale) =>
        graph.Add("DequantizeLinear",
        [
            graph.Initializer(name, n => OnnxInitializer.Of(n, codes, columns, rows)),
            Scalar(graph, $"{name}/scale", scale),
        ]);

    private static string Scalar(OnnxGraph graph, string name, float value) =>
        graph.Initializer(name, n => OnnxInitializer.Of<float>(n, [value]));

    // From -1 to 1.
    private static float[] Values(int count, double sparsity, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count)
            .Select(_ => random.NextDouble() < sparsity ? 0 : 2 * random.NextSingle() - 1)];
    }
}
