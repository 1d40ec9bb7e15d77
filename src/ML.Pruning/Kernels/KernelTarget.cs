namespace ML.Pruning.Kernels;

/// <summary>What the kernels are compiled for.</summary>
/// <remarks>All but <see cref="Managed"/> are of the native library, with its values.</remarks>
public enum KernelTarget
{
    /// <summary>C#, where there is no native library.</summary>
    Managed = -1,

    /// <summary>Plain C++.</summary>
    Scalar = 0,

    /// <summary>AVX2 and FMA.</summary>
    Avx2 = 1,

    /// <summary>AVX-512 F, BW, DQ, VL.</summary>
    Avx512 = 2,

    /// <summary>AVX-512 with VBMI2 and VNNI.</summary>
    Vnni = 3,

    /// <summary>The same with AMX tiles for large batches.</summary>
    Amx = 4,

    /// <summary>ARM's 128-bit vectors.</summary>
    Neon = 5,
}
