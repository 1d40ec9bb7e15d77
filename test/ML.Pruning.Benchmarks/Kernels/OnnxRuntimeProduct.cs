using ML.Pruning.Export.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace ML.Pruning.Benchmarks.Kernels;

/// <summary>ONNX Runtime's own product with a constant dense matrix, in a session of its own.</summary>
internal sealed class OnnxRuntimeProduct : IDisposable
{
    /// <summary>Columns of a scale of the 4-bit product, as in ours.</summary>
    private const int BlockColumns = 64;

    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly OrtValue _x;
    private readonly OrtValue _y;

    /// <summary>Loads a product y = x W.</summary>
    /// <param name="kind">onnxruntime-f32, -int8 or -int4.</param>
    /// <param name="weights">W transposed [rows, columns] for f32; the others take arbitrary codes.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="batch">Rows of x.</param>
    public OnnxRuntimeProduct(string kind, float[] weights, int rows, int columns, int batch)
    {
        var graph = new OnnxGraph();
        string x = graph.Input("x", OnnxElement.Float, batch, columns);
        long size = (long)rows * columns;
        switch (kind)
        {
            case "onnxruntime-f32":
                graph.Add("MatMul", [x, Constant(graph, "w", weights, columns, rows)], ["y"]);
                break;
            case "onnxruntime-int8":
                string codes = Constant(graph, "w", Codes<sbyte>(size, -127), columns, rows);
                string rowScales = Constant(graph, "scales", Filled(rows, 0.01f), rows);
                graph.Add("com.microsoft.DynamicQuantizeMatMul", [x, codes, rowScales], ["y"]);
                break;
            case "onnxruntime-int4":
                int blocks = columns / BlockColumns;
                string nibbles = Constant(graph, "w", Codes<byte>(size / 2, 0), rows, blocks, BlockColumns / 2);
                string scales = Constant(graph, "scales", Filled(rows * blocks, 0.01f), rows * blocks);
                graph.Add("com.microsoft.MatMulNBits", [x, nibbles, scales], ["y"],
                    ("K", columns), ("N", rows), ("bits", 4), ("block_size", BlockColumns), ("accuracy_level", 4));
                break;
            default:
                throw new ArgumentException($"'{kind}' is no product of ONNX Runtime.", nameof(kind));
        }

        graph.Output("y", OnnxElement.Float, batch, rows);
        using var file = new MemoryStream();
        OnnxFile.Write(graph, file, CancellationToken.None);
        using var options = new SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        _session = new InferenceSession(file.ToArray(), options);
        float[] activations = KernelData.Activations(batch, columns);
        _x = OrtValue.CreateTensorValueFromMemory(activations, [batch, columns]);
        _y = OrtValue.CreateTensorValueFromMemory(new float[batch * rows], [batch, rows]);
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

    private static string Constant<T>(OnnxGraph graph, string name, T[] values, params long[] shape)
        where T : unmanaged => graph.Initializer(name, of => OnnxInitializer.Of(of, values, shape));

    private static float[] Filled(int count, float value)
    {
        float[] values = new float[count];
        Array.Fill(values, value);
        return values;
    }

    // The time of these products does not depend on the codes.
    private static T[] Codes<T>(long count, int lowest)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        var random = new Random(1);
        T[] pattern = [.. Enumerable.Range(0, 4096).Select(_ => T.CreateChecked(random.Next(lowest, 128)))];
        T[] codes = new T[count];
        for (int i = 0; i < codes.Length; i += pattern.Length)
            pattern.AsSpan(0, Math.Min(pattern.Length, codes.Length - i)).CopyTo(codes.AsSpan(i));
        return codes;
    }
}
