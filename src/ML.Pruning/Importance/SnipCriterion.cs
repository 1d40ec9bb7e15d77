using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by its connection sensitivity: what the loss does when the weight's connection is
/// weakened (SNIP).</summary>
/// <remarks>
/// <para>score = |w g| = |dL/dc| at c = 1, where c scales the weight and L is the mean loss of one batch, all
/// calibration windows (Lee et al. 2019, arXiv:1810.02340), meant to be compared over the whole model.</para>
/// <para>The authors divide by the sum over all weights of the model: one constant, hence the same order; it is left
/// out. What remains is the first-order Taylor score, here at trained instead of initial weights.</para>
/// <para>In float64, rounded to float32. Thread-safe.</para>
/// </remarks>
public sealed class SnipCriterion : IWeightCriterion
{
    /// <inheritdoc/>
    public string Name => "snip";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Gradient;

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        GradientChecks.FirstOrder(block, GradientChecks.Require(block, Needs), scores);
    }
}
