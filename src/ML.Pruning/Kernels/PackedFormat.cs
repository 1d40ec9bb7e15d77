namespace ML.Pruning.Kernels;

/// <summary>Which weights of a matrix a packed one stores, and how it says where they stand.</summary>
/// <remarks>The values are those of the packed header and of the native library.</remarks>
public enum PackedFormat
{
    /// <summary>All of them.</summary>
    Dense = 0,

    /// <summary>Those that are not zero, with one bit a weight for their places.</summary>
    Bitmask = 1,

    /// <summary>Blocks of 16 rows x 64 bytes of columns (1 float32, 2 bfloat16, 4 codes) that are not all zero, with 16
    /// bits a block.</summary>
    Block = 2,

    /// <summary>Those that are not zero, row by row with 16 bits each; float32 only. For sparsities above about
    /// 0.85.</summary>
    Csr = 3,
}
