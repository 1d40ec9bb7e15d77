using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>What Hessians and weight updates take, estimated from shapes.</summary>
internal static class UpdateMemory
{
    /// <summary>Bytes at the peak: the Hessians of one layer, the factorisation of the largest, and the sweep over the
    /// largest tensor with the updated weights of its layer.</summary>
    public static long Estimate(ModelSpec spec, IReadOnlyList<PlannedTensor> tensors, StatisticsNeeds needs,
        int blockSize, bool moves)
    {
        if (!needs.HasFlag(StatisticsNeeds.Hessian)) return 0;
        long peak = 0;
        foreach (IGrouping<int, PlannedTensor> layer in tensors.Where(t => t.Layer >= 0).GroupBy(t => t.Layer))
        {
            HashSet<string> names = [.. layer.Select(t => t.Name)];
            long[] features = [.. LinearInput.Of(spec, layer.Key)
                .Where(i => i.Parts.Any(part => names.Contains(TensorNames.Weight(layer.Key, part))))
                .Select(i => (long)i.Features)];
            long bytes = features.Sum(HessianSum.Bytes) + HessianFactor.PeakBytes(features.Max());
            if (moves)
            {
                bytes += sizeof(float) * layer.Sum(t => t.Count)
                    + layer.Max(t => SparseGptSweep.PeakBytes(t.Rows, t.Columns, blockSize));
            }

            peak = Math.Max(peak, bytes);
        }

        return peak;
    }
}
