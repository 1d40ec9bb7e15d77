using ML.Pruning.Kernels;

namespace ML.Pruning.Export.Onnx;

/// <summary>How <see cref="SparseOnnxModel"/> packs weights.</summary>
public sealed record SparseOnnxOptions
{
    /// <summary>The fraction of zeros, in [0, 1], from which on a weight is packed.</summary>
    public double MinimumSparsity { get; init; } = 0.5;

    /// <summary>The number of weights, zeros included, from which on a weight is packed; below it the work around the
    /// product takes the time.</summary>
    public int MinimumSize { get; init; } = 4096;

    /// <summary>How the weights of MatMul and Gemm are stored; null = as they are: float32, and 8-bit codes with their
    /// scales where the model has such. Convolutions are always float32.</summary>
    public PackedType? Type { get; init; }

    /// <summary>What was measured, by the names of nodes (<see cref="SparseOnnxNode.Name"/>), as
    /// <c>SparseOnnxSelection.Measure</c> fills it. Nodes that are not named are packed.</summary>
    public IReadOnlyDictionary<string, SparseOnnxChoice> Choices { get; init; } =
        new Dictionary<string, SparseOnnxChoice>();

    /// <summary>Replace what is at the path.</summary>
    public bool Overwrite { get; init; }

    internal void Check()
    {
        if (!(MinimumSparsity is >= 0 and <= 1))
            throw new ArgumentException($"MinimumSparsity is {MinimumSparsity}; it must lie between 0 and 1.");
    }
}
