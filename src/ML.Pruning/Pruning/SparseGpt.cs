using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>SparseGPT: of each tile of 128 columns the weights go whose removal the columns to their right can make up
/// for best, and these do.</summary>
/// <remarks>
/// <para>Frantar and Alistarh 2023, arXiv:2301.00774. Needs calibration text. Exactly int(tile * sparsity) weights go
/// of each tile, where the authors' code may take a few more.</para>
/// <para>Presets of <see cref="WeightPruning"/> that can be changed: group tile, unstructured, sparsity 0.5, update
/// <see cref="SparseGptUpdate"/>. With the update set to null the mask is SparseGPT's and the weights that stay keep
/// their values. Immutable and thread-safe.</para>
/// </remarks>
public sealed class SparseGpt : WeightPruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="damping">Fraction of the mean of the Hessian's diagonal that is added to it, at least 0; raised
    /// tenfold and again, and reported, when the Hessian has no Cholesky factor.</param>
    /// <param name="blockSize">Columns of a tile, from 1 on; a multiple of M for N:M patterns.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public SparseGpt(
        double damping = ObsCriterion.DefaultDamping, int blockSize = SparseGptCriterion.DefaultBlockSize)
        : base(new SparseGptCriterion(damping, blockSize))
    {
        Group = ComparisonGroup.Tile;
        Update = new SparseGptUpdate(damping, blockSize);
    }
}
