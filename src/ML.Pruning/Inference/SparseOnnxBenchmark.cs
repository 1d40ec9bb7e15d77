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
        if (shapes.Keys.FirstOrDefault(name => !dense.Session.InputMetadata.ContainsKey(name)) is { } unknown)
        {
            throw new ArgumentException($"The model has no input '{unknown}'; it has "
                + $"{string.Join(", ", dense.Session.InputNames)}.", nameof(shapes));
        }

        string[] names = [.. dense.Session.InputNames];
        OrtValue[] inputs = [.. names.Select(name => Create(name, dense.Session.InputMetadata[name], shapes))];
        try
        {
            double difference = Difference(dense.Run(names, inputs), sparse.Run(names, inputs));
            double[] times = KernelTiming.Fastest(
                [() => Release(dense.Run(names, inputs)), () => Release(sparse.Run(names, inputs))]);
            return new SparseOnnxSpeed(times[0] / 1000, times[1] / 1000, difference, sparse.WhyDense, sparse.Nodes)
            {
                Profile = profile ? Profile(path, options, names, inputs) : [],
            };
        }
        finally
        {
            foreach (OrtValue input in inputs) input.Dispose();
        }
    }

    // The first run does what is done once.
    private static IReadOnlyList<OperatorTime> Profile(
        string path, SparseOnnxOptions options, string[] names, OrtValue[] inputs)
    {
        using var profile = new OnnxProfile();
        using SparseOnnxSession session = SparseOnnxSession.Open(path, options, profile);
        for (int run = 0; run <= ProfiledRuns; run++) Release(session.Run(names, inputs));
        return OnnxProfile.End(session.Session, 1..)[0];
    }

    private static OrtValue Create(string name, NodeMetadata metadata, IReadOnlyDictionary<string, long[]> shapes)
    {
        long[] shape = shapes.TryGetValue(name, out long[]? given)
            ? given : [.. metadata.Dimensions.Select(size => (long)Math.Max(size, 1))];
        var count = (int)shape.Aggregate(1L, (product, size) => checked(product * size));
        var random = new Random(1);
        return metadata.ElementDataType switch
        {
            TensorElementType.Float => OrtValue.CreateTensorValueFromMemory(
                Enumerable.Range(0, count).Select(_ => random.NextSingle() - 0.5f).ToArray(), shape),
            TensorElementType.Int64 => OrtValue.CreateTensorValueFromMemory(Filled(count, 1L), shape),
            TensorElementType.Int32 => OrtValue.CreateTensorValueFromMemory(Filled(count, 1), shape),
            TensorElementType.Bool => OrtValue.CreateTensorValueFromMemory(Filled(count, true), shape),
            _ => throw new NotSupportedException(
                $"The input '{name}' has the element type {metadata.ElementDataType}; floats and integers are known."),
        };
    }

    private static T[] Filled<T>(int count, T value)
    {
        var values = new T[count];
        Array.Fill(values, value);
        return values;
    }

    private static void Release(IDisposable results) => results.Dispose();

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
