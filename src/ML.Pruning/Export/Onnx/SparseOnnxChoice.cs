namespace ML.Pruning.Export.Onnx;

/// <summary>What a measurement says of a node with sparse weights.</summary>
/// <param name="UsesKernel">Whether the node runs on the kernels; else it stays with ONNX Runtime.</param>
/// <param name="Why">The times.</param>
public sealed record SparseOnnxChoice(bool UsesKernel, string Why);
