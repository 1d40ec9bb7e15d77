using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>SparseGPT's weight update: column by column, each removed weight is made up for by the weights to its
/// right.</summary>
/// <remarks>
/// <para>err = w_j / U_jj, W_k -= err U_jk for k > j, where U is the upper Cholesky factor of the inverse of the damped
/// Hessian; columns beyond the current block follow by one matrix product a block. Frantar and Alistarh 2023,
/// arXiv:2301.00774, algorithm 1. In float64.</para>
/// <para>Weights of dead columns (an input of 0 for all tokens) become 0. The block size does not change the result but
/// for rounding.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
/// <param name="damping">Fraction of the mean of the Hessian's diagonal that is added to it, at least 0.</param>
/// <param name="blockSize">Columns of a block, from 1 on.</param>
public sealed class SparseGptUpdate(
    double damping = ObsCriterion.DefaultDamping, int blockSize = SparseGptCriterion.DefaultBlockSize) : IWeightUpdate
{
    /// <summary>Fraction of the mean of the Hessian's diagonal that is added to it.</summary>
    public double Damping { get; } = CriterionChecks.Damping(damping);

    /// <summary>Columns of a block.</summary>
    public int BlockSize { get; } = CriterionChecks.BlockSize(blockSize);

    /// <summary>Whether weights that are to be put on an integer grid (<see cref="LayerwisePruning.Quantization"/>)
    /// are put there in the same sweep, so that later columns make up for the rounding too; else they are rounded to
    /// nearest afterwards.</summary>
    /// <remarks>A scale is taken at the first column that it holds for, from what the kept weights of the block would
    /// become without rounding; weights after the block count as they stand. So most weights that grow stay below the
    /// largest code; others are cut to it. The authors' code takes asymmetric scales from the dense row.</remarks>
    public bool RoundsInSweep { get; init; } = true;

    /// <inheritdoc/>
    public string Name => "sparsegpt";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.Hessian;

    /// <inheritdoc/>
    public JsonObject Options() => new()
    {
        ["damping"] = Damping,
        ["blockSize"] = BlockSize,
        ["roundsInSweep"] = RoundsInSweep,
    };

    /// <inheritdoc/>
    public WeightUpdateResult Update(string tensorName, float[] weight, WeightMask mask,
        ActivationStatistics statistics, CancellationToken cancellationToken) =>
        Update(tensorName, weight, mask, statistics, null, cancellationToken);

    /// <summary>Updates one tensor and puts it on a grid, if there is one.</summary>
    internal WeightUpdateResult Update(string tensorName, float[] weight, WeightMask mask,
        ActivationStatistics statistics, WeightGrid? grid, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(weight);
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(statistics);
        var sweep = new SparseGptSweep(tensorName, statistics.Factor(Damping), BlockSize, grid, cancellationToken);
        return sweep.Run(weight, mask, chooser: null);
    }
}
