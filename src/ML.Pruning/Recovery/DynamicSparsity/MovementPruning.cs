namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Movement pruning (hard): of each group the weights stay whose scores are highest, as many as the schedule
/// says; a score rises while its weight moves away from zero.</summary>
/// <remarks>
/// <para>W' = W * Top(S), dL/dS = dL/dW' * W, S = 0 at first; with <see cref="ScoreOptimizer.Sum"/>
/// S = -rate * sum over the steps of dL/dW' * W (Sanh et al. 2020, arXiv:2005.07683, eq. 4 and section 4). The
/// published runs train the scores by Adam at 1e-2, the default here. The weights' gradients are masked: dL/dW = dL/dW'
/// * M.</para>
/// <para>Needs a rising schedule: at the start the scores say nothing yet. See <see cref="LearnedScores"/>.</para>
/// </remarks>
public sealed record MovementPruning : LearnedScores
{
    /// <inheritdoc/>
    public override string Name => "movement";

    /// <inheritdoc/>
    internal override bool NeedsRamp => true;
}
