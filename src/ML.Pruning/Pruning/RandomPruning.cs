using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Random pruning: the baseline that every other method must beat.</summary>
/// <remarks>Needs no calibration text. Presets of <see cref="WeightPruning"/> that can be changed: group tensor,
/// unstructured, sparsity 0.5. Immutable and thread-safe.</remarks>
public sealed class RandomPruning : WeightPruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="seed">Seed of the choice.</param>
    public RandomPruning(int seed = 0)
        : base(new RandomCriterion(seed)) => Group = ComparisonGroup.Tensor;
}
