namespace ML.Pruning.Export.Onnx;

/// <summary>A dimension of a graph's input or output: a size, or a name where runs differ.</summary>
/// <param name="Size">The size, when <paramref name="Name"/> is null.</param>
/// <param name="Name">The name, or null.</param>
internal readonly record struct OnnxDimension(long Size, string? Name)
{
    public static implicit operator OnnxDimension(int size) => new(size, null);

    public static implicit operator OnnxDimension(string name) => new(0, name);
}
