namespace ML.Pruning.Export.Onnx;

/// <summary>How a model is exported to ONNX.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>The operators that the graph may use.</summary>
    public OnnxOperators Operators { get; init; } = OnnxOperators.Fused;

    /// <summary>Replace what is at the path.</summary>
    public bool Overwrite { get; init; }
}
