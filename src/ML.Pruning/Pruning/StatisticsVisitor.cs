using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning;

/// <summary>Gathers activation statistics for the tensors of a run's plan, layer by layer.</summary>
/// <param name="run">The run.</param>
/// <param name="prune">Prunes a layer, given its statistics by tensor name; null when nothing changes meanwhile and the
/// statistics of all layers are kept.</param>
internal sealed class StatisticsVisitor(
    PruningRun run, Action<int, IReadOnlyDictionary<string, ActivationStatistics>>? prune) : ILayerVisitor
{
    private readonly HashSet<string> _planned = [.. run.Plan.Tensors.Select(t => t.Name)];
    private readonly HashSet<int> _layers = [.. run.Plan.Tensors.Select(t => t.Layer)];

    /// <summary>The statistics by canonical name of the weight; tensors that share an input share them.</summary>
    public Dictionary<string, ActivationStatistics> Statistics { get; } = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyDictionary<LinearInput, Action<Tensor>> Observe(int layer, IReadOnlyList<LinearInput> inputs)
    {
        if (prune is not null) Statistics.Clear();
        var observers = new Dictionary<LinearInput, Action<Tensor>>();
        foreach (LinearInput input in inputs)
        {
            string[] wanted =
                [.. input.Parts.Select(part => TensorNames.Weight(layer, part)).Where(_planned.Contains)];
            if (wanted.Length == 0) continue;
            var statistics = new ActivationStatistics(input.Features);
            foreach (string name in wanted) Statistics.Add(name, statistics);
            observers.Add(input, batch => statistics.Add(batch));
        }

        return observers;
    }

    /// <inheritdoc/>
    public bool Changes(int layer) => prune is not null && _layers.Contains(layer);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Replace(int layer)
    {
        prune!(layer, Statistics);
        return run.Weights;
    }
}
