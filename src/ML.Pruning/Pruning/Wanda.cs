using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Wanda: of each row the weights go whose absolute value times the norm of the input feature is
/// lowest.</summary>
/// <remarks>Sun et al. 2023, arXiv:2306.11695. Needs calibration text. Presets of <see cref="WeightPruning"/> that can
/// be changed: group row, unstructured, sparsity 0.5. Immutable and thread-safe.</remarks>
public sealed class Wanda : WeightPruning
{
    /// <summary>Creates the method.</summary>
    public Wanda()
        : base(new WandaCriterion()) => Group = ComparisonGroup.Row;
}
