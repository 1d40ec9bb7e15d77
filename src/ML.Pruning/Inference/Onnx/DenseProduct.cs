using Microsoft.ML.OnnxRuntime;
using ML.Pruning.Export.Onnx;

namespace ML.Pruning.Inference.Onnx;

/// <summary>ONNX Runtime's product of one token with a dense matrix, on one thread, for measurements.</summary>
internal sealed class DenseProduct : IDisposable
{
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly OrtValue _x;
    private readonly OrtValue _y;

    /// <summary>Loads the product.</summary>
    /// <param name="weights">W [rows, columns].</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    public DenseProduct(float[] weights, int rows, int columns)
    {
        var graph = new OnnxGraph();
        string x = graph.Input("x", OnnxElement.Float, 1, columns);
        string w = graph.Initializer("w", name => OnnxInitializer.Of(name, weights, rows, columns));
        graph.Add("Gemm", [x, w], ["y"], ("transB", 1L));
        graph.Output("y", OnnxElement.Float, 1, rows);
        using var file = new MemoryStream();
        OnnxFile.Write(graph, file, CancellationToken.None);
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        _session = new InferenceSession(file.ToArray(), options);
        var ones = new float[columns];
        Array.Fill(ones, 1f);
        _x = OrtValue.CreateTensorValueFromMemory(ones, [1, columns]);
        _y = OrtValue.CreateTensorValueFromMemory(new float[rows], [1, rows]);
    }

    /// <summary>Runs it once.</summary>
    public void Run() => _session.Run(_options, ["x"], [_x], ["y"], [_y]);

    /// <inheritdoc/>
    public void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
        _options.Dispose();
        _session.Dispose();
    }
}
