using System.Text.Json.Nodes;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Soft movement pruning: weights stay while the sigmoid of their score is above a threshold; a penalty on the
/// scores decides how many that are.</summary>
/// <remarks>
/// <para>W' = W * (sigmoid(S) &gt; tau), dL/dS = dL/dW' * W + lambda_t * d mean(sigmoid(S)) / dS, S = 0 at first; tau
/// rises from 0 to <see cref="Threshold"/> as the schedule says, and lambda_t = lambda tau / <see cref="Threshold"/>
/// (Sanh et al. 2020, arXiv:2005.07683, section 4, and their code, which also keeps at least a 200th of each matrix, as
/// here). The mean is that of the matrices' means.</para>
/// <para>The method's sparsity has no say: how many zeros there are is an outcome. Scores move to the last step, so
/// that the last weights are the result, not the best. The default rate of the scores is 0.01 or, in short trainings,
/// 10 / steps: a score has to fall to -2.2 before its weight goes. Loss curves leave the penalty out. See
/// <see cref="LearnedScores"/>.</para>
/// </remarks>
public sealed record SoftMovementPruning : LearnedScores
{
    private const int FewestShare = 200;

    // How far Adam lets a score go in a training, about; sigmoid(-Reach / 2) is well below the threshold.
    private const double Reach = 10;

    /// <inheritdoc/>
    public override string Name => "soft-movement";

    /// <inheritdoc/>
    internal override double ResolveRate(int steps) => ScoreLearningRate ?? Math.Max(1e-2, Reach / steps);

    /// <summary>Threshold tau at the end of the ramp, in (0, 0.5).</summary>
    public double Threshold { get; init; } = 0.1;

    /// <summary>Weight lambda of the mean of sigmoid(S), at least 0.</summary>
    public double Penalty { get; init; } = 100;

    /// <inheritdoc/>
    internal override bool NeedsRamp => true;

    /// <inheritdoc/>
    internal override JsonObject ToJson()
    {
        JsonObject json = base.ToJson();
        json["threshold"] = Threshold;
        json["penalty"] = Penalty;
        return json;
    }

    /// <inheritdoc/>
    internal override void Validate(TrainingOptions training)
    {
        base.Validate(training);
        Require(Threshold is > 0 and < 0.5, "threshold", Threshold,
            "above 0 and below 0.5, the sigmoid of the first scores");
        Require(Penalty >= 0 && double.IsFinite(Penalty), "penalty", Penalty, "finite and at least 0");
    }

    /// <inheritdoc/>
    internal override void ToScoreGradient(
        ReadOnlySpan<float> scores, Span<float> gradient, double progress, DynamicsContext context)
    {
        double weight = Penalty * ThresholdAt(progress, context) / Threshold
            / context.Plan!.Tensors.Count / gradient.Length;
        for (int i = 0; i < gradient.Length; i++)
        {
            double sigmoid = Sigmoid(scores[i]);
            gradient[i] += (float)(weight * sigmoid * (1 - sigmoid));
        }
    }

    /// <inheritdoc/>
    internal override WeightMask Select(float[] scores, ScoreMatrix matrix, double progress, DynamicsContext context)
    {
        double threshold = ThresholdAt(progress, context);
        var kept = new float[scores.Length];
        int count = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            if (!(Sigmoid(scores[i]) > threshold)) continue;
            kept[i] = 1;
            count++;
        }

        int fewest = scores.Length / FewestShare + 1;
        return count >= fewest
            ? WeightMask.FromNonZeros(kept, matrix.Grid.Rows, matrix.Grid.Columns)
            : JointSelection.Select([matrix.Source(scores)], scores.Length - fewest, CancellationToken.None)[0];
    }

    /// <inheritdoc/>
    internal override bool IsComplete(double progress, DynamicsContext context) => progress == 1;

    private static double Sigmoid(double score) => 1 / (1 + Math.Exp(-score));

    private double ThresholdAt(double progress, DynamicsContext context) =>
        context.Schedule.SparsityAt(progress, 0, Threshold);
}
