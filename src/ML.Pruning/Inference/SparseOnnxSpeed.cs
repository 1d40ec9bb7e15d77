using ML.Pruning.Export.Onnx;

namespace ML.Pruning.Inference;

/// <summary>How fast an ONNX model runs as it is, and with its sparse weights on the kernels.</summary>
/// <param name="DenseMilliseconds">The fastest run as it is.</param>
/// <param name="Milliseconds">The fastest run on the kernels.</param>
/// <param name="Difference">The largest difference of an output, relative to its largest element.</param>
/// <param name="WhyDense">Why the model cannot be rewritten and runs as it is; null = it was.</param>
/// <param name="Nodes">What was done with each node that has, or could have, a constant weight.</param>
public sealed record SparseOnnxSpeed(double DenseMilliseconds, double Milliseconds, double Difference, string? WhyDense,
    IReadOnlyList<SparseOnnxNode> Nodes)
{
    /// <summary>The time of each operator on the kernels, the longest first; empty = it was not asked for.</summary>
    public IReadOnlyList<OperatorTime> Profile { get; init; } = [];
}
