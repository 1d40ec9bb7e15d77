namespace ML.Pruning.Inference;

/// <summary>What one linear map runs on, and why.</summary>
/// <param name="Name">Canonical name of its weight.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
/// <param name="Sparsity">The fraction of zeros, in [0, 1].</param>
/// <param name="Kernel"><c>dense</c> (ONNX Runtime's own product), <c>bitmask</c>, <c>block</c> or <c>csr</c>.</param>
/// <param name="DenseMicroseconds">Time of ONNX Runtime's product with one token on one thread; null = not
/// measured.</param>
/// <param name="KernelMicroseconds">Time of the best sparse product; null = not measured.</param>
/// <param name="Why">The reason, in words.</param>
public sealed record LayerKernel(string Name, int Rows, int Columns, double Sparsity, string Kernel,
    double? DenseMicroseconds, double? KernelMicroseconds, string Why)
{
    /// <summary>The kernel of ONNX Runtime's own product.</summary>
    internal const string Dense = "dense";
}
