using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Inputs of any ONNX model for measurements: random floats between -0.5 and 0.5, ones and true.</summary>
/// <remarks>Dispose them when no run is under way.</remarks>
internal sealed class RandomInputs : IDisposable
{
    private RandomInputs(string[] names, OrtValue[] values)
    {
        Names = names;
        Values = values;
    }

    /// <summary>The inputs' names.</summary>
    public string[] Names { get; }

    /// <summary>Their values.</summary>
    public OrtValue[] Values { get; }

    /// <summary>Whether the dimensions of all inputs are known: only a first one may be open, and is 1.</summary>
    /// <param name="session">The model.</param>
    /// <param name="shapes">Dimensions of inputs by name.</param>
    public static bool AreKnown(InferenceSession session, IReadOnlyDictionary<string, long[]> shapes) =>
        session.InputMetadata.All(input => input.Value.IsTensor
            && input.Value.ElementDataType is TensorElementType.Float or TensorElementType.Int64
                or TensorElementType.Int32 or TensorElementType.Bool
            && (shapes.ContainsKey(input.Key) || input.Value.Dimensions.Skip(1).All(size => size > 0)));

    /// <summary>Makes them.</summary>
    /// <param name="session">The model.</param>
    /// <param name="shapes">Dimensions of inputs by name; dimensions that the file leaves open are 1 otherwise.</param>
    /// <exception cref="ArgumentException">A shape is given for no input.</exception>
    /// <exception cref="NotSupportedException">An input is no tensor of floats or integers.</exception>
    public static RandomInputs Of(InferenceSession session, IReadOnlyDictionary<string, long[]> shapes)
    {
        if (shapes.Keys.FirstOrDefault(name => !session.InputMetadata.ContainsKey(name)) is { } unknown)
        {
            throw new ArgumentException(
                $"The model has no input '{unknown}'; it has {string.Join(", ", session.InputNames)}.",
                nameof(shapes));
        }

        string[] names = [.. session.InputNames];
        return new(names, [.. names.Select(name => Create(name, session.InputMetadata[name], shapes))]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (OrtValue value in Values) value.Dispose();
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
}
