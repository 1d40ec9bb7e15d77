namespace ML.Pruning.Sparsity;

/// <summary>How a sparsity goes from its first to its last value.</summary>
public enum RampKind
{
    /// <summary>The last value from the start on.</summary>
    OneShot,

    /// <summary>Equal steps of the sparsity.</summary>
    Linear,

    /// <summary>Fast at first, slow at the end: s_f + (s_i - s_f)(1 - p)^3.</summary>
    Cubic,

    /// <summary>Equal factors of the density: 1 - (1 - s_i)^(1 - p) (1 - s_f)^p.</summary>
    Exponential,
}
