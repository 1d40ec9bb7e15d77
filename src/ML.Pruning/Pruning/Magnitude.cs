using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Magnitude pruning: of each tensor the weights of the lowest absolute value go.</summary>
/// <remarks>Han et al. 2015, arXiv:1506.02626. Needs no calibration text. Presets of <see cref="WeightPruning"/> that
/// can be changed: group tensor, unstructured, sparsity 0.5. Immutable and thread-safe.</remarks>
public sealed class Magnitude : WeightPruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="norm">How blocks are compared; without effect on single weights.</param>
    public Magnitude(WeightNorm norm = WeightNorm.L1)
        : base(new MagnitudeCriterion(norm)) => Group = ComparisonGroup.Tensor;
}
