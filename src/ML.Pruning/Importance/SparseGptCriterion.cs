using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight as SparseGPT does: by the error of removing it when only the columns to its right can
/// make up for it.</summary>
/// <remarks>
/// <para>score[o, i] = W[o, i]^2 / U_ii^2, where U is the upper Cholesky factor of the inverse of the layer's damped
/// Hessian. Frantar and Alistarh 2023, arXiv:2301.00774, section 3.3.</para>
/// <para>In the group tile, and for N:M patterns, the scores are those of the weights as they stand when the tile's
/// turn comes, moved by all that went before; in other groups those of the weights before anything moved.</para>
/// <para>Thread-safe.</para>
/// </remarks>
/// <param name="damping">Fraction of the mean of the Hessian's diagonal that is added to it, at least 0.</param>
/// <param name="blockSize">Columns of a tile, from 1 on.</param>
public sealed class SparseGptCriterion(
    double damping = ObsCriterion.DefaultDamping, int blockSize = SparseGptCriterion.DefaultBlockSize)
    : IWeightCriterion
{
    /// <summary>Columns of a tile by default.</summary>
    public const int DefaultBlockSize = 128;

    /// <summary>Fraction of the mean of the Hessian's diagonal that is added to it.</summary>
    public double Damping { get; } = CriterionChecks.Damping(damping);

    /// <summary>Columns of a tile.</summary>
    public int BlockSize { get; } = CriterionChecks.BlockSize(blockSize);

    /// <inheritdoc/>
    public string Name => "sparsegpt";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Hessian;

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["damping"] = Damping, ["blockSize"] = BlockSize };

    /// <inheritdoc/>
    public void Prepare(ActivationStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        statistics.Diagonals(Damping);
    }

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        CriterionChecks.Statistics(block, statistics);
        double[] factor = statistics.Diagonals(Damping).Factor;
        for (int i = 0; i < scores.Length; i++)
        {
            double ratio = block.Weight[i] / factor[i % block.Columns];
            scores[i] = (float)(ratio * ratio);
        }
    }
}
