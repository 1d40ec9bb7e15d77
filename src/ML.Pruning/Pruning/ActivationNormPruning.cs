using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Wanda's relatives: of each row the weights go whose absolute value times a power of a norm of the input
/// feature is lowest.</summary>
/// <remarks><see cref="ActivationNormCriterion"/> has the formula. Needs calibration text. Presets of
/// <see cref="WeightPruning"/> that can be changed: group row, unstructured, sparsity 0.5. Immutable and
/// thread-safe.</remarks>
public sealed class ActivationNormPruning : WeightPruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="exponent">The power, at least 0.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public ActivationNormPruning(ActivationNorm norm, double exponent = 1)
        : base(new ActivationNormCriterion(norm, exponent)) => Group = ComparisonGroup.Row;
}
