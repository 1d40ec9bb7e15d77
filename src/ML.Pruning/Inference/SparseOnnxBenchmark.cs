using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference.Onnx;

namespace ML.Pruning.Inference;

/// <summary>Measures an ONNX model as it is beside the same model on the sparse kernels.</summary>
public static class SparseOnnxBenchmark
{
    private const int ProfiledRuns = 5;

    /// <summary>Runs both in turns on random inputs.</summary>
    /// <param name="path">The ONNX file.</param>
    /// <param name="shapes">Dimensions of inputs by name; dimensions that the file leaves open are 1 otherwise.</param>
    /// <param name="options">What is packed; null = the defaults.</param>
    /// <param name="profile">Whether to tell the time of each operator too, which packs the model again.</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">A shape is given for no input, or does not fit.</exception>
    /// <exception cref="Models.ModelFormatException">The file is no ONNX model, or ONNX Runtime cannot run
    /// it.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="NotSupportedException">An input is no tensor of floats or integers.</exception>
    public static SparseOnnxSpeed Measure(
        string path, IReadOnlyDictionary<string, long[]> shapes, SparseOnnxOptions? options = null,
        bool profile = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(shapes);
        using SparseOnnxSession dense = SparseOnnxSession.OpenAsItIs(path);
        options ??= new SparseOnnxOptions();
        using SparseOnnxSession sparse = SparseOnnxSession.Open(path, options);
        using var inputs = RandomInputs.Of(dense.Session, shapes);
        double difference = Difference(dense.Run(inputs.Names, inputs.Values), sparse.Run(inputs.Names, inputs.Values));
        double[] times = KernelTiming.Fastest(
        [
            () => dense.Run(inputs.Names, inputs.Values).Dispose(), () => sparse.Run(inputs.Names, inputs.Values).Dispose(),
        ]);
        return new SparseOnnxSpeed(times[0] / 1000, times[1] / 1000, difference, sparse.WhyDense, sparse.Nodes)
        {
            Profile = profile ? Profile(path, options, inputs) : [],
        };
    }

    // The first run does what is done once.
    private static IReadOnlyList<OperatorTime> Profile(
        string path, SparseOnnxOptions options, RandomInputs inputs)
    {
        using var profile = new OnnxProfile();
        using SparseOnnxSession session = SparseOnnxSession.Open(path, options, profile);
        for (int run = 0; run <= ProfiledRuns; run++) session.Run(inputs.Names, inputs.Values).Dispose();
        return OnnxProfile.End(session.Session, 1..)[0];
    }

    private static double Difference(
        IDisposableReadOnlyCollection<OrtValue> expected, IDisposableReadOnlyCollection<OrtValue> found)
    {
        using (expected)
        using (found)
        {
            double worst = 0;
            for (int i = 0; i < expected.Count; i++)
            {
                if (expected[i].GetTensorTypeAndShape().ElementDataType != TensorElementType.Float) continue;
                ReadOnlySpan<float> a = expected[i].GetTensorDataAsSpan<float>(),
                    b = found[i].GetTensorDataAsSpan<float>();
                float largest = 0, difference = 0;
                for (int j = 0; j < a.Length; j++)
                {
                    largest = Math.Max(largest, Math.Abs(a[j]));
                    difference = Math.Max(difference, Math.Abs(a[j] - b[j]));
                }

                if (largest > 0) worst = Math.Max(worst, difference / largest);
            }

            return worst;
        }
    }
}
