using ML.Pruning.Export.Onnx;
using ML.Pruning.Export.Onnx.Rewriting;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Export.Onnx.Rewriting;

/// <summary>Property: what follows a convolution is joined to it where it can be, and the outputs stay.</summary>
[TestClass]
public sealed class PointFusionTests
{
    private const int Channels = 16;
    private const int Inputs = 8;
    private const int Height = 6;
    private const int Width = 7;

    // What follows a convolution, and the nodes of the result where it is on the kernels, and where it is not.
    private static readonly Dictionary<string, (Func<OnnxGraph, string, string> Add, string Sparse, string Dense)> s_all =
        new()
        {
            ["relu"] = ((g, x) => g.Add("Relu", [x]), "SparseConv", "Conv Relu"),
            ["leaky"] = ((g, x) => g.Add("LeakyRelu", [x], ("alpha", 0.3)), "SparseConv", "Conv LeakyRelu"),
            ["hard sigmoid"] = ((g, x) => g.Add("HardSigmoid", [x]), "SparseConv", "Conv HardSigmoid"),
            ["hard swish"] = ((g, x) => g.Add("HardSwish", [x]), "SparseConv", "Conv HardSwish"),
            ["hard swish in parts"] = (HardSwish, "SparseConv", "Conv Points"),
            ["scales"] = (Scales, "SparseConv", "Conv Points"),
            ["normalized"] = ((g, x) => g.Add("Relu", [Normalize(g, x)]), "SparseConv",
                "Conv BatchNormalization Relu"),
            ["normalized, then scaled"] = ((g, x) => Scales(g, Normalize(g, x)), "SparseConv",
                "Conv BatchNormalization Points"),
            ["a number on the left of a division"] = ((g, x) => g.Add("Div", [g.Number(2), g.Add("Add", [x, g.Number(99)])]),
                "SparseConv Div", "Conv Add Div"),
            ["a number a channel"] = ((g, x) => g.Add("Mul", [x, Numbers(g, "a", 1, 0.5f, [Channels, 1, 1])]),
                "SparseConv Mul", "Conv Mul"),
            ["a number that adds a dimension"] = ((g, x) => g.Add("Squeeze", [
                g.Add("Mul", [x, g.Initializer("n", n => OnnxInitializer.Of<float>(n, [3], 1, 1, 1, 1, 1))]),
                g.Integers(0)]), "SparseConv Mul Squeeze", "Conv Mul Squeeze"),
            ["two readers"] = ((g, x) => g.Add("Add", [g.Add("Relu", [x]), g.Add("Exp", [x])]),
                "SparseConv Relu Exp Add", "Conv Relu Exp Add"),
        };

    public static IEnumerable<object[]> Cases => s_all.Keys.SelectMany(name => new object[][] { [name, true], [name, false] });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Write_StepsAfterAConvolution_AreJoined(string name, bool isSparse)
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        string source = folder["dense.onnx"], path = folder["sparse.onnx"];
        Write(source, s_all[name].Add, isSparse);

        SparseOnnxModel.Write(source, path, new SparseOnnxOptions { MinimumSize = 0 });

        string found = string.Join(' ', Operators(path).Skip(1));
        Assert.AreEqual(isSparse ? s_all[name].Sparse : s_all[name].Dense, found);
        float[] expected = Run(source), actual = Run(path);
        for (int i = 0; i < expected.Length; i++)
            Assert.AreEqual(expected[i], actual[i], 2e-5f * Math.Max(1, Math.Abs(expected[i])), $"output {i}");
    }

    [TestMethod]
    public void Write_ValueThatIsAnOutputToo_Stays()
    {
        if (SparseOperator.Library is null) Assert.Inconclusive("There are no native kernels.");
        using var folder = new TestFolder();
        Write(folder["dense.onnx"], (graph, x) =>
        {
            graph.Output(x, OnnxElement.Float, 1, Channels, Height, Width);
            return graph.Add("Relu", [x]);
        }, isSparse: true);

        SparseOnnxModel.Write(folder["dense.onnx"], folder["sparse.onnx"], new SparseOnnxOptions { MinimumSize = 0 });

        CollectionAssert.AreEqual((string[])["SparseConv", "SparseConv", "Relu"],
            Operators(folder["sparse.onnx"]).ToArray());
    }

    // Without the last, which names the output.
    private static IEnumerable<string> Operators(string path) =>
        new OnnxGraphFile(path).Nodes.SkipLast(1).Select(node => node.Type);

    // A sparse convolution, then one that is sparse or not.
    private static void Write(string path, Func<OnnxGraph, string, string> add, bool isSparse)
    {
        var graph = new OnnxGraph();
        string x = graph.Input("x", OnnxElement.Float, 1, Inputs, Height, Width);
        x = graph.Add("Conv", [x, Weights(graph, "first", Inputs, Inputs, 0.8)], ("pads", new long[] { 1, 1, 1, 1 }));
        x = graph.Add("Conv", [x, Weights(graph, "second", Channels, Inputs, isSparse ? 0.7 : 0),
            Numbers(graph, "bias", -1, 1, [Channels])], ("pads", new long[] { 1, 1, 1, 1 }));
        string y = add(graph, x);
        graph.Add("Identity", [y], ["y"]);
        graph.Output("y", OnnxElement.Float, 1, Channels, Height, Width);
        using FileStream file = File.Create(path);
        OnnxFile.Write(graph, file, CancellationToken.None);
    }

    private static string Weights(OnnxGraph graph, string name, int rows, int columns, double sparsity)
    {
        var random = new Random(rows);
        float[] values = [.. Enumerable.Range(0, rows * columns * 9)
            .Select(_ => random.NextDouble() < sparsity ? 0 : random.NextSingle() - 0.5f)];
        return graph.Initializer(name, n => OnnxInitializer.Of(n, values, rows, columns, 3, 3));
    }

    private static string Numbers(OnnxGraph graph, string name, float low, float high, long[] shape)
    {
        var random = new Random(name[0]);
        float[] values = [.. Enumerable.Range(0, Channels).Select(_ => low + random.NextSingle() * (high - low))];
        return graph.Initializer(name, n => OnnxInitializer.Of(n, values, shape));
    }

    private static string Normalize(OnnxGraph graph, string x) => graph.Add("BatchNormalization",
        [x, Numbers(graph, "scale", -1, 2, [Channels]), Numbers(graph, "b", -1, 1, [Channels]),
            Numbers(graph, "mean", -1, 1, [Channels]), Numbers(graph, "variance", 0.5f, 2, [Channels])],
        ("epsilon", 0.001));

    private static string Scales(OnnxGraph graph, string x)
    {
        string scaled = graph.Add("Sub", [graph.Number(1), graph.Add("Mul", [graph.Number(0.5f), x])]);
        scaled = graph.Add("Clip", [graph.Add("Div", [scaled, graph.Number(3)]), graph.Number(-0.2f), graph.Number(0.4f)]);
        return graph.Add("Sub", [scaled, graph.Number(0.1f)]);
    }

    private static string HardSwish(OnnxGraph graph, string x)
    {
        string sum = graph.Add("Add", [x, graph.Number(3)]);
        string gate = graph.Add("Clip", [sum, graph.Number(0), graph.Number(6)]);
        return graph.Add("Div", [graph.Add("Mul", [x, gate]), graph.Number(6)]);
    }

    private static float[] Run(string path)
    {
        using SparseOnnxSession session = SparseOnnxSession.OpenAsItIs(path);
        var random = new Random(5);
        float[] x = [.. Enumerable.Range(0, Inputs * Height * Width).Select(_ => 4 * random.NextSingle() - 2)];
        return (float[])session.Run([("x", x, [1, Inputs, Height, Width])], ["y"])[0];
    }
}
