namespace ML.Pruning.Export.Onnx;

/// <summary>What was done with one node that has, or could have, a constant weight.</summary>
/// <param name="Name">The node's name, or that of its first output.</param>
/// <param name="Operator">Its operator.</param>
/// <param name="Rows">Output features of the weight; 0 if it was not read.</param>
/// <param name="Columns">Input features, for a convolution times the size of its kernel; 0 if it was not read.</param>
/// <param name="Sparsity">The fraction of zeros, in [0, 1].</param>
/// <param name="IsPacked">Whether it runs on the kernels.</param>
/// <param name="Why">The packed form, or why it stays with ONNX Runtime.</param>
public sealed record SparseOnnxNode(
    string Name, string Operator, long Rows, long Columns, double Sparsity, bool IsPacked, string Why);
