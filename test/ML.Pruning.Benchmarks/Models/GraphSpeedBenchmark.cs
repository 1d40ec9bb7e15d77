using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Benchmarks.Kernels;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>The convolutions of a CNN, dense beside packed by <see cref="SparseOnnxModel"/>.</summary>
internal sealed class GraphSpeedBenchmark : Benchmark
{
    private const int Side = 28;
    private const int Channels = 256;
    private static readonly double[] s_sparsities = [0.5, 0.7, 0.8, 0.9];

    public override string Group => "models";

    public override string Name => "graph-speed";

    public override string Description =>
        $"float32: a CNN of 3x3 and 1x1 convolutions ({Channels} channels, {Side}x{Side}), one thread";

    public override string? WhyNot(BenchmarkSettings settings) => SparseOnnxSession.WhyNot;

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        int layers = settings.Scaled(6);
        foreach (double sparsity in s_sparsities)
        {
            yield return Measure($"cnn, {layers} blocks", sparsity, [1, Channels, Side, Side],
                graph => Cnn(graph, layers, sparsity));
        }
    }

    private static long Cnn(OnnxGraph graph, int blocks, double sparsity)
    {
        string x = graph.Input("x", OnnxElement.Float, 1, Channels, Side, Side);
        long weights = 0;
        for (int block = 0; block < blocks; block++)
        {
            x = Convolution(x, 3);
            x = Convolution(x, 1);
        }

        graph.Add("Relu", [x], ["y"]);
        graph.Output("y", OnnxElement.Float, 1, Channels, Side, Side);
        return weights;

        string Convolution(string input, long kernel)
        {
            string w = Weight(graph, sparsity, ref weights, Channels, [Channels, Channels, kernel, kernel]);
            long pad = kernel / 2;
            return graph.Add("Relu", [graph.Add("Conv", [input, w],
                ("kernel_shape", new[] { kernel, kernel }), ("pads", new[] { pad, pad, pad, pad }))]);
        }
    }

    private static string Weight(OnnxGraph graph, double sparsity, ref long weights, int rows, long[] shape)
    {
        var count = (int)shape.Aggregate(1L, (product, size) => product * size);
        float[] values = KernelData.Prune(KernelData.Weights(rows, count / rows), count / rows, sparsity, 0);
        float scale = 1 / MathF.Sqrt(count / rows * (1 - (float)sparsity));
        for (int i = 0; i < values.Length; i++) values[i] *= scale;
        weights += count;
        return graph.Initializer($"w{graph.Initializers.Count}", name => OnnxInitializer.Of(name, values, shape));
    }

    private static ModelResult Measure(string model, double sparsity, long[] shape, Func<OnnxGraph, long> build)
    {
        using var folder = new TemporaryFolder();
        string densePath = folder["dense.onnx"], sparsePath = folder["sparse.onnx"];
        var graph = new OnnxGraph();
        long parameters = build(graph);
        using (FileStream file = File.Create(densePath)) OnnxFile.Write(graph, file, CancellationToken.None);
        SparseOnnxModel.Write(densePath, sparsePath, new SparseOnnxOptions { MinimumSparsity = 0.4 });
        float[] values = KernelData.Activations((int)shape[0], (int)(shape.Aggregate(1L, (a, b) => a * b) / shape[0]));
        using OrtValue x = OrtValue.CreateTensorValueFromMemory(values, shape);
        using var run = new RunOptions();
        (InferenceSession dense, long denseMemory) =
            ResidentMemory.Of(() => KernelSession.Open(densePath, threads: 1), Run);
        (InferenceSession sparse, long memory) =
            ResidentMemory.Of(() => KernelSession.Open(sparsePath, threads: 1), Run);
        using (dense)
        using (sparse)
        {
            double[] times = KernelTiming.Fastest([() => Run(dense), () => Run(sparse)]);
            return new ModelResult(model, parameters, "f32", sparsity, 1, 1, 1e6 / times[1], null,
                new FileInfo(sparsePath).Length, memory, "onnxruntime-f32", 1e6 / times[0], null,
                new FileInfo(densePath).Length, denseMemory);
        }

        void Run(InferenceSession session) => session.Run(run, ["x"], [x], ["y"]).Dispose();
    }
}
