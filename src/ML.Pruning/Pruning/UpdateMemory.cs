using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>What Hessians and weight updates take, estimated from shapes.</summary>
/// <param name="WhileObserved">Bytes while the layer runs: its Hessians.</param>
/// <param name="WhilePruned">Bytes at the peak while the layer's tensors are pruned, input after input: the Hessians
/// not yet done with, the factorisation of one, the sweep over its tensors, the layer's updated weights, and arrays of
/// two tensors that are done with and not collected yet.</param>
internal readonly record struct UpdateMemory(long WhileObserved, long WhilePruned)
{
    /// <summary>The estimate for the layer that takes most.</summary>
    public static UpdateMemory Estimate(ModelSpec spec, IReadOnlyList<PlannedTensor> tensors, StatisticsNeeds needs,
        int blockSize, bool moves)
    {
        if (!needs.HasFlag(StatisticsNeeds.Hessian)) return default;
        long observed = 0, pruned = 0;
        foreach (IGrouping<int, PlannedTensor> layer in tensors.Where(t => t.Layer >= 0).GroupBy(t => t.Layer))
        {
            ILookup<LinearInput, PlannedTensor> inputs = LinearInput.Of(spec, layer.Key)
                .SelectMany(i => layer.Where(t => i.Parts.Any(part => TensorNames.Weight(layer.Key, part) == t.Name))
                    .Select(t => (Input: i, Tensor: t)))
                .ToLookup(p => p.Input, p => p.Tensor);
            long hessians = inputs.Sum(i => HessianSum.Bytes(i.Key.Features)), updated = 0;
            observed = Math.Max(observed, hessians);
            long garbage = moves ? 2 * sizeof(float) * layer.Max(t => t.Count) : 0;
            foreach (IGrouping<LinearInput, PlannedTensor> input in inputs)
            {
                long features = input.Key.Features;
                long sweep = moves ? input.Max(t => SparseGptSweep.PeakBytes(t.Rows, t.Columns, blockSize)) : 0;
                if (moves) updated += sizeof(float) * input.Sum(t => t.Count);
                pruned = Math.Max(pruned, hessians + updated + garbage
                    + Math.Max(HessianFactor.PeakBytes(features), HessianFactor.Bytes(features) + sweep));
                hessians -= HessianSum.Bytes(features);
            }
        }

        return new UpdateMemory(observed, pruned);
    }
}
