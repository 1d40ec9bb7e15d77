using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by how far training moves it away from zero.</summary>
/// <remarks>
/// <para>score = S_T = - rate sum over t &lt; T of g_t w_t, along a short training run on the calibration windows whose
/// weights w_t move by the optimizer; a weight that training draws towards zero has a negative score (Sanh et al. 2020,
/// arXiv:2005.07683). The weights that are pruned are the original ones, which the run does not change.</para>
/// <para>The authors mask while they train and let scores and masks interact; here the run is dense, and its scores are
/// taken once.</para>
/// <para>Sums in float64, rounded to float32. Thread-safe.</para>
/// </remarks>
public sealed class MovementCriterion : IWeightCriterion
{
    /// <summary>Creates the criterion.</summary>
    /// <param name="options">How the training run goes; null = the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MovementCriterion(MovementOptions? options = null) =>
        Movement = (options ?? MovementOptions.Default).Validated();

    /// <inheritdoc/>
    public MovementOptions Movement { get; }

    /// <inheritdoc/>
    public string Name => "movement-score";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Movement;

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["movement"] = Movement.ToJson() };

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        GradientStatistics gradients = GradientChecks.Require(block, Needs);
        ReadOnlySpan<double> movement = GradientChecks.Of(block, gradients.Movement);
        for (int i = 0; i < scores.Length; i++) scores[i] = (float)movement[i];
    }
}
