using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Export.Onnx;

/// <summary>Decides which linear maps of an exported model run on the sparse kernels.</summary>
/// <param name="type">How packed weights are stored.</param>
/// <param name="minimumSparsity">The fraction of zeros from which on only the others are stored.</param>
/// <param name="smallestBytes">float32 bytes of a weight below which it stays an ordinary one.</param>
internal sealed class WeightPacking(PackedType type, double minimumSparsity, long smallestBytes)
{
    /// <summary>How packed weights are stored.</summary>
    public PackedType Type => type;

    /// <summary>Decides about a weight; its zeros are counted.</summary>
    /// <param name="weight">W [outFeatures, inFeatures].</param>
    /// <returns>The format; null = ONNX Runtime's own product.</returns>
    public PackedFormat? FormatOf(StoredTensor weight)
    {
        if (weight.ElementCount * sizeof(float) < smallestBytes) return null;
        (long zeros, _) = TensorCensus.Take(weight, CancellationToken.None);
        if (zeros >= minimumSparsity * weight.ElementCount) return PackedFormat.Bitmask;
        return type == PackedType.Float32 ? null : PackedFormat.Dense;
    }
}
