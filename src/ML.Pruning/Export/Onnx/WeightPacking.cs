using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Export.Onnx;

/// <summary>Decides which linear maps of an exported model run on the sparse kernels.</summary>
/// <param name="type">How packed weights are stored.</param>
/// <param name="minimumSparsity">The fraction of zeros from which on only the others are stored.</param>
/// <param name="formats">The choice for each weight, if it has been made; weights that are not in it stay.</param>
internal sealed class WeightPacking(
    PackedType type, double minimumSparsity, IReadOnlyDictionary<string, PackedFormat>? formats)
{
    /// <summary>How packed weights are stored.</summary>
    public PackedType Type => type;

    /// <summary>Decides about a weight; its zeros are counted.</summary>
    /// <param name="name">Its canonical name.</param>
    /// <param name="weight">W [outFeatures, inFeatures].</param>
    /// <returns>The format; null = ONNX Runtime's own product.</returns>
    public PackedFormat? FormatOf(string name, StoredTensor weight)
    {
        if (formats is not null) return formats.TryGetValue(name, out PackedFormat chosen) ? chosen : null;
        (long zeros, _) = TensorCensus.Take(weight, CancellationToken.None);
        if (zeros >= minimumSparsity * weight.ElementCount) return PackedFormat.Bitmask;
        return type == PackedType.Float32 ? null : PackedFormat.Dense;
    }
}
