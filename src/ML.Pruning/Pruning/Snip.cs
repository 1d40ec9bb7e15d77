using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>SNIP: of the whole model the weights of the lowest connection sensitivity go.</summary>
/// <remarks>Lee et al. 2019, arXiv:1810.02340. Needs calibration text, and memory for the whole model with its
/// gradients. Presets of <see cref="WeightPruning"/> that can be changed: group model, unstructured, sparsity 0.5.
/// Immutable and thread-safe.</remarks>
public sealed class Snip : WeightPruning
{
    /// <summary>Creates the method.</summary>
    public Snip()
        : base(new SnipCriterion()) => Group = ComparisonGroup.Model;
}
