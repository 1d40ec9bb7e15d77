using ML.Pruning.Kernels;

namespace ML.Pruning.Export.Onnx;

/// <summary>How a model is exported to ONNX.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>The operators that the graph may use.</summary>
    public OnnxOperators Operators { get; init; } = OnnxOperators.Fused;

    /// <summary>Run the sparse linear maps of the layers on this library's kernels (the operator
    /// <c>mlpruning.SparseMatMul</c>), with weights of this type; null = on ONNX Runtime's own, as elsewhere. With
    /// another type than <see cref="PackedType.Float32"/> the dense ones run on the kernels too.</summary>
    public PackedType? SparseKernels { get; init; }

    /// <summary>Run the head that predicts tokens on this library's kernels too, dense, with weights of this type; null
    /// = on ONNX Runtime's product of float32. In small models with large vocabularies it takes much of the time of a
    /// token.</summary>
    public PackedType? HeadKernels { get; init; }

    /// <summary>Write weights that are on an int8 grid with a scale a row as codes and ONNX's DequantizeLinear, which
    /// every runtime of operator set 13 knows, instead of as float32: a quarter of the size, and the same numbers. Such
    /// a file goes through <see cref="SparseOnnxModel"/> too, which keeps the codes.</summary>
    public bool KeepInt8Codes { get; init; }

    /// <summary>The fraction of zeros, in [0, 1], from which on a linear map counts as sparse. Below about 0.2 the
    /// kernels lose.</summary>
    public double MinimumSparsity { get; init; } = 0.3;

    /// <summary>Replace what is at the path.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether the graph also gives <see cref="GraphNames.States"/>.</summary>
    internal bool WithStates { get; init; }

    /// <summary>The weights that are packed, by canonical name, and how; null = as <see cref="MinimumSparsity"/>
    /// says.</summary>
    internal IReadOnlyDictionary<string, PackedFormat>? Formats { get; init; }

    /// <summary>Which weights are packed, and how; null = none.</summary>
    /// <exception cref="ArgumentException">The sparsity is out of range, or kernels go with standard operators
    /// only.</exception>
    internal WeightPacking? Packing()
    {
        if (HeadKernels is not null && Operators != OnnxOperators.Fused)
        {
            throw new ArgumentException("HeadKernels needs an operator that is not ONNX's; it does not go with "
                + "OnnxOperators.Standard.");
        }

        if (SparseKernels is not { } type) return null;
        if (!(MinimumSparsity is >= 0 and <= 1))
            throw new ArgumentException($"MinimumSparsity is {MinimumSparsity}; it must lie between 0 and 1.");
        return Operators == OnnxOperators.Fused
            ? new WeightPacking(type, MinimumSparsity, Formats)
            : throw new ArgumentException("SparseKernels needs an operator that is not ONNX's; it does not go with "
                + "OnnxOperators.Standard.");
    }
}
