using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Taylor pruning: of each tensor the weights go without which the loss is expected to change least.</summary>
/// <remarks><see cref="TaylorCriterion"/> has formulas and sources; the second order is Fisher pruning. Needs
/// calibration text, and memory for the whole model with its gradients. Presets of <see cref="WeightPruning"/> that can
/// be changed: group tensor, unstructured, sparsity 0.5. Immutable and thread-safe.</remarks>
public sealed class TaylorPruning : WeightPruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="order">Which terms of the Taylor series.</param>
    public TaylorPruning(TaylorOrder order = TaylorOrder.First)
        : base(new TaylorCriterion(order)) => Group = ComparisonGroup.Tensor;
}
