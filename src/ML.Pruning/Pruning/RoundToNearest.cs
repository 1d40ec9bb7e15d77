using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Puts the weights on an integer grid, each on the nearest point, and removes none.</summary>
/// <remarks>The scale is the largest magnitude over the largest code (<see cref="Quantizer"/>); zeros stay zeros. To
/// prune and quantise in one run set <see cref="LayerwisePruning.Quantization"/> of any pruning method. Needs no
/// calibration text. Immutable and thread-safe.</remarks>
public sealed class RoundToNearest : LayerwisePruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="grid">The grid.</param>
    public RoundToNearest(WeightGrid grid)
    {
        Quantization = grid ?? throw new ArgumentNullException(nameof(grid));
        Sparsity = 0;
        Group = ComparisonGroup.Tensor;
    }

    /// <inheritdoc/>
    public override string Name => "round-to-nearest";

    /// <inheritdoc/>
    public override bool NeedsCalibration => false;

    /// <inheritdoc/>
    private protected override void CheckOptions()
    {
        if (Sparsity != 0 || Pattern is not UnstructuredPattern)
        {
            throw new ArgumentException($"{Name} removes no weights, but a sparsity or pattern was given; set "
                + $"{nameof(Quantization)} of a pruning method instead.");
        }

        if (Quantization is null) throw new ArgumentException($"{Name} needs a grid, such as int8.");
    }

    /// <inheritdoc/>
    internal override void Run(PruningRun run)
    {
        run.Restore();
        ILookup<int, PlannedTensor> layers = run.Plan.Tensors.Where(t => !run.IsStored(t)).ToLookup(t => t.Layer);
        int done = 0;
        foreach (IGrouping<int, PlannedTensor> layer in layers)
        {
            run.Store([.. layer.Select(t => ChangedTensor.Of(run.Tensor(t), Quantization, run.CancellationToken))]);
            run.Report("quantise", ++done / (double)layers.Count);
        }
    }
}
