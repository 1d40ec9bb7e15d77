using System.Numerics.Tensors;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by its absolute value.</summary>
/// <remarks>score = |W|. Squares have the same order, so there is no L2 variant. Han et al. 2015, arXiv:1506.02626.
/// Thread-safe.</remarks>
public sealed class MagnitudeCriterion : IWeightCriterion
{
    /// <inheritdoc/>
    public string Name => "magnitude";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.None;

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        TensorPrimitives.Abs(block.Weight, scores);
    }
}
