using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning;

/// <summary>Gathers activation statistics for the tensors of a run's plan, layer by layer.</summary>
/// <remarks>Disposing it gives the statistics' memory back.</remarks>
internal sealed class StatisticsVisitor : ILayerVisitor, IDisposable
{
    private readonly PruningRun _run;
    private readonly StatisticsNeeds _needs;
    private readonly Action<int, IReadOnlyDictionary<string, ActivationStatistics>>? _prune;
    private readonly Action<ActivationStatistics>? _condense;
    private readonly HashSet<string> _planned;
    private readonly HashSet<int> _layers;
    private readonly List<ActivationStatistics> _current = [];

    private StatisticsVisitor(PruningRun run, StatisticsNeeds needs,
        Action<int, IReadOnlyDictionary<string, ActivationStatistics>>? prune, Action<ActivationStatistics>? condense)
    {
        _run = run;
        _needs = needs;
        _prune = prune;
        _condense = condense;
        PlannedTensor[] left = [.. run.Plan.Tensors.Where(t => !run.IsStored(t))];
        _planned = [.. left.Select(t => t.Name)];
        _layers = [.. left.Select(t => t.Layer)];
    }

    /// <summary>The statistics by canonical name of the weight; tensors that share an input share them.</summary>
    public Dictionary<string, ActivationStatistics> Statistics { get; } = new(StringComparer.Ordinal);

    /// <summary>Streams the calibration text and prunes each layer behind it.</summary>
    /// <param name="run">The run.</param>
    /// <param name="needs">What to gather.</param>
    /// <param name="prune">Prunes a layer, given its statistics by tensor name.</param>
    public static void PruneLayers(PruningRun run, StatisticsNeeds needs,
        Action<int, IReadOnlyDictionary<string, ActivationStatistics>> prune)
    {
        if (run.Statistics is { } file)
        {
            StoredStatistics.PruneLayers(run, file, needs, prune);
            return;
        }

        using var visitor = new StatisticsVisitor(run, needs, prune, condense: null);
        run.Calibrate(visitor);
    }

    /// <summary>Gathers the statistics of all layers of the model as it is, without keeping Hessians.</summary>
    /// <param name="run">The run.</param>
    /// <param name="needs">What to gather.</param>
    /// <param name="condense">Takes what is needed of the Hessian before it goes.</param>
    /// <returns>The statistics by canonical name of the weight.</returns>
    public static IReadOnlyDictionary<string, ActivationStatistics> Gather(
        PruningRun run, StatisticsNeeds needs, Action<ActivationStatistics> condense)
    {
        if (run.Statistics is { } file) return StoredStatistics.Gather(run, file, needs, condense);
        using var visitor = new StatisticsVisitor(run, needs, prune: null, condense);
        run.Calibrate(visitor);
        visitor.FinishLayer();
        return visitor.Statistics;
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<LinearInput, Action<Tensor>> Observe(int layer, IReadOnlyList<LinearInput> inputs)
    {
        FinishLayer();
        if (_prune is not null) Statistics.Clear();
        var observers = new Dictionary<LinearInput, Action<Tensor>>();
        foreach (LinearInput input in inputs)
        {
            string[] wanted =
                [.. input.Parts.Select(part => TensorNames.Weight(layer, part)).Where(_planned.Contains)];
            if (wanted.Length == 0) continue;
            InputSample? sample = _prune is null ? null : new InputSample(_run.CalibrationTokens);
            var statistics = new ActivationStatistics(input.Features, _needs, sample);
            _current.Add(statistics);
            foreach (string name in wanted) Statistics.Add(name, statistics);
            observers.Add(input, statistics.Add);
        }

        return observers;
    }

    /// <inheritdoc/>
    public bool Changes(int layer) => _prune is not null && _layers.Contains(layer);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, StoredTensor> Replace(int layer)
    {
        foreach ((string name, ActivationStatistics statistics) in Statistics) RequireFinite(name, statistics);
        long weights = _run.Plan.Tensors.Where(t => t.Layer == layer).Sum(t => t.Count);
        UnusedMemory.Release(weights);
        _prune!(layer, Statistics);
        foreach (ActivationStatistics statistics in _current) statistics.ReleaseHessian();
        UnusedMemory.Release(weights);
        return _run.Weights;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (ActivationStatistics statistics in _current) statistics.Dispose();
    }

    private static void RequireFinite(string name, ActivationStatistics statistics)
    {
        if (statistics.IsFinite) return;
        throw new PruningException($"The inputs of '{name}' are not finite on the calibration text; the model's "
            + "weights are damaged, or its activations overflow.");
    }

    private void FinishLayer()
    {
        if (_condense is not null)
        {
            foreach ((string name, ActivationStatistics statistics) in Statistics)
            {
                if (!_current.Contains(statistics)) continue;
                RequireFinite(name, statistics);
                if (statistics.HasHessian) _condense(statistics);
            }
        }

        foreach (ActivationStatistics statistics in _current) statistics.ReleaseHessian();
        _current.Clear();
    }
}
