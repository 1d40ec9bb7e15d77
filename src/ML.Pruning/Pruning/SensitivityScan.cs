using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Measures what pruning does to the tensors or layers of a model, and chooses their sparsities.</summary>
internal sealed class SensitivityScan
{
    private const int WindowsPerCall = 16;

    private readonly LanguageModel _model;
    private readonly WeightPruning _method;
    private readonly SensitivityAllocation _allocation;
    private readonly TokenWindows _windows;
    private readonly PruningContext _context;
    private readonly PruningPlan _plan;

    private SensitivityScan(LanguageModel model, WeightPruning method, SensitivityAllocation allocation,
        PruningPlan plan, TokenWindows windows, PruningContext context)
    {
        _model = model;
        _method = method;
        _allocation = allocation;
        _plan = plan;
        _windows = windows;
        _context = context;
    }

    /// <summary>Replaces an allocation that has to be measured by what the measurement chose.</summary>
    /// <param name="model">The model.</param>
    /// <param name="method">The method.</param>
    /// <param name="plan">Its plan.</param>
    /// <param name="windows">Calibration windows.</param>
    /// <param name="context">The surroundings; nothing is recorded for a later run.</param>
    /// <returns>The method with the sparsities chosen; null if it has another allocation.</returns>
    public static PruningMethod? Resolve(LanguageModel model, PruningMethod method, PruningPlan plan,
        TokenWindows? windows, PruningContext context)
    {
        if (method is not WeightPruning { Masks: null, Allocation: SensitivityAllocation allocation } pruning)
            return null;
        var scan = new SensitivityScan(model, pruning, allocation, plan, windows!, context);
        return pruning.With(
            new MeasuredAllocation(allocation, scan.Choose()), pruning.Sparsity, pruning.Update,
            pruning.MeasuresOutputs);
    }

    private FileAllocation Choose()
    {
        double target = _plan.Tensors[0].Sparsity;
        double[] points = _allocation.Points(target);
        PlannedTensor[][] units = [.. _plan.Tensors.GroupBy(t =>
            _allocation.Unit == SensitivityUnit.Layer ? $"{t.Layer}" : t.Name).Select(g => g.ToArray())];
        double[][] losses = [.. units.Select(_ => new double[points.Length])];
        using LanguageModel? others =
            _allocation.Measure == SensitivityMeasure.Perplexity ? Prune(target).Model : null;
        for (int i = 0; i < points.Length; i++)
        {
            PruningResult result = Prune(points[i]);
            using LanguageModel pruned = result.Model;
            Dictionary<string, double?> errors = result.Report.Tensors.ToDictionary(t => t.Name, t => t.OutputError);
            for (int unit = 0; unit < units.Length; unit++)
            {
                losses[unit][i] = others is null
                    ? units[unit].Sum(t => Math.Pow(errors[t.Name] ?? 0, 2))
                    : Loss(others, pruned, units[unit]);
                _context.Progress?.Report(new PruningProgress(
                    "measure", (i + (unit + 1.0) / units.Length) / points.Length));
            }
        }

        double[] chosen = EqualSlope.Choose([.. units.Select(u => u.Sum(t => t.Count))], points, losses, target);
        return new FileAllocation(units.Zip(chosen)
            .SelectMany(p => p.First.Select(t => KeyValuePair.Create(t.Name, p.Second))));
    }

    // Biases belong to maps that other units do not change, so they are left out.
    private PruningResult Prune(double sparsity) => Pruner.PruneWithWindows(_model,
        _method.With(UniformAllocation.Instance, sparsity,
            _method.Update is { ChangesBias: true } ? null : _method.Update, measuresOutputs: true),
        _windows, _context with { ResumeFolder = null, Progress = null, Log = null });

    // The mean negative log-likelihood of the windows with one unit as in a run, and the others as in another.
    private double Loss(LanguageModel others, LanguageModel pruned, PlannedTensor[] unit)
    {
        Dictionary<string, StoredTensor> weights = others.Weights.ToDictionary(w => w.Key, w => w.Value);
        foreach (PlannedTensor tensor in unit) weights[tensor.Name] = pruned.Weights[tensor.Name];
        using var mixed = new LanguageModel(others.ToContent() with { Weights = weights });
        using var engine = new TorchEngine(mixed);
        double sum = 0;
        for (int start = 0; start < _windows.Count; start += WindowsPerCall)
        {
            _context.CancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(WindowsPerCall, _windows.Count - start);
            var tokens = new int[count * _windows.Length];
            for (int i = 0; i < count; i++) _windows[start + i].CopyTo(tokens.AsSpan(i * _windows.Length));
            var results = new double[count * (_windows.Length - 1)];
            engine.NextTokenLogProbabilities(tokens, count, results);
            sum -= results.Sum();
        }

        return sum / ((long)_windows.Count * (_windows.Length - 1));
    }
}
