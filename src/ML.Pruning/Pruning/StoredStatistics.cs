using ML.Pruning.Calibration;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning;

/// <summary>Takes the statistics of a run's tensors from a file, one layer at a time.</summary>
internal static class StoredStatistics
{
    /// <summary>Prunes the layers that are not finished.</summary>
    /// <param name="run">The run.</param>
    /// <param name="file">The statistics.</param>
    /// <param name="needs">What to read.</param>
    /// <param name="prune">Prunes a layer, given its statistics by tensor name.</param>
    public static void PruneLayers(PruningRun run, StatisticsFile file, StatisticsNeeds needs,
        Action<int, IReadOnlyDictionary<string, ActivationStatistics>> prune)
    {
        int[] layers = [.. run.Plan.Tensors.Where(t => !run.IsStored(t)).Select(t => t.Layer).Distinct()];
        for (int i = 0; i < layers.Length; i++)
        {
            ForLayer(run, file, needs, layers[i], statistics => prune(layers[i], statistics));
            run.Report("prune", (i + 1.0) / layers.Length);
        }
    }

    /// <summary>The statistics of all layers, without Hessians.</summary>
    /// <param name="run">The run.</param>
    /// <param name="file">The statistics.</param>
    /// <param name="needs">What to read.</param>
    /// <param name="condense">Takes what is needed of a Hessian before it goes.</param>
    public static Dictionary<string, ActivationStatistics> Gather(
        PruningRun run, StatisticsFile file, StatisticsNeeds needs, Action<ActivationStatistics> condense)
    {
        var result = new Dictionary<string, ActivationStatistics>(StringComparer.Ordinal);
        foreach (int layer in run.Plan.Tensors.Select(t => t.Layer).Distinct())
        {
            ForLayer(run, file, needs, layer, statistics =>
            {
                foreach (ActivationStatistics each in statistics.Values.Distinct().Where(s => s.HasHessian))
                    condense(each);
                foreach ((string name, ActivationStatistics each) in statistics) result.Add(name, each);
            });
            run.CancellationToken.ThrowIfCancellationRequested();
        }

        return result;
    }

    private static void ForLayer(PruningRun run, StatisticsFile file, StatisticsNeeds needs, int layer,
        Action<IReadOnlyDictionary<string, ActivationStatistics>> body)
    {
        HashSet<string> planned = [.. run.Plan.Tensors.Where(t => !run.IsStored(t)).Select(t => t.Name)];
        var statistics = new Dictionary<string, ActivationStatistics>(StringComparer.Ordinal);
        try
        {
            foreach (LinearInput input in LinearInput.Of(run.Plan.Before, layer))
            {
                string[] names = [.. input.Parts.Select(p => TensorNames.Weight(layer, p)).Where(planned.Contains)];
                if (names.Length == 0) continue;
                ActivationStatistics read = file.Read(input, needs);
                foreach (string name in names) statistics.Add(name, read);
            }

            body(statistics);
        }
        finally
        {
            foreach (ActivationStatistics each in statistics.Values) each.ReleaseHessian();
        }
    }
}
