using System.Numerics.Tensors;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Edge-popup: no weight moves; training only finds out which ones to keep.</summary>
/// <remarks>
/// <para>W' = W * Top(|S|), dL/dS = dL/dW' * W * sign(S); S is drawn uniformly from +-1 / sqrt(inFeatures) (Kaiming
/// with a = sqrt 5). Ramanujan et al. 2020, arXiv:1911.13299, where the scores are trained by SGD with momentum and the
/// rate 0.1; here by Adam. What stays has the bits that it had; everything else of the model too.</para>
/// <para>See <see cref="LearnedScores"/>.</para>
/// </remarks>
public sealed record EdgePopup : LearnedScores
{
    /// <inheritdoc/>
    public override string Name => "edge-popup";

    /// <inheritdoc/>
    internal override bool TrainsWeights => false;

    /// <inheritdoc/>
    internal override float[] InitialScores(ScoreGrid grid, PlannedTensor tensor, int seed)
    {
        // The name keeps matrices of equal shape apart.
        int salt = tensor.Name.Aggregate(seed, (hash, c) => unchecked(hash * 31 + c));
        var random = new Random(salt);
        var scores = new float[grid.Count];
        double bound = 1 / Math.Sqrt(tensor.Columns);
        for (int i = 0; i < scores.Length; i++) scores[i] = (float)((2 * random.NextDouble() - 1) * bound);
        return scores;
    }

    /// <inheritdoc/>
    internal override void ToScoreGradient(
        ReadOnlySpan<float> scores, Span<float> gradient, double progress, DynamicsContext context)
    {
        for (int i = 0; i < gradient.Length; i++) gradient[i] *= Math.Sign(scores[i]);
    }

    /// <inheritdoc/>
    internal override WeightMask Select(float[] scores, ScoreMatrix matrix, double progress, DynamicsContext context)
    {
        TensorPrimitives.Abs(scores, scores);
        return base.Select(scores, matrix, progress, context);
    }
}
