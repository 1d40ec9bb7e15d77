namespace ML.Pruning.Models;

/// <summary>The number type in which activations and matrix products are computed.</summary>
public enum ComputePrecision
{
    /// <summary>32-bit floating point.</summary>
    Float32,

    /// <summary>bfloat16: half the memory, faster on CPUs that have it, about three decimal digits. Sums, norms and
    /// softmax stay in 32 bits.</summary>
    BFloat16,
}
