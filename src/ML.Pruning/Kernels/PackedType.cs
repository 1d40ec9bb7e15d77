namespace ML.Pruning.Kernels;

/// <summary>How a packed matrix stores a weight, and what is done to the activations it meets.</summary>
/// <remarks>The values are those of the packed header and of the native library.</remarks>
public enum PackedType
{
    /// <summary>float32; activations float32.</summary>
    Float32 = 0,

    /// <summary>bfloat16; activations float32, or bfloat16 for large batches on AMX.</summary>
    BFloat16 = 1,

    /// <summary>Codes of 8 bits with one float32 scale a row; activations are rounded to codes of 8 bits with a scale
    /// for each row of the batch.</summary>
    Int8 = 2,

    /// <summary>Codes of 4 bits with one bfloat16 scale for each 64 columns of a row; activations as for
    /// <see cref="Int8"/>.</summary>
    Int4 = 3,
}
