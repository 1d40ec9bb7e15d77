using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>A pruning run in progress: the weights so far, the files that hold the changed ones, and what is to be
/// reported.</summary>
/// <remarks>Not thread-safe. Disposing it before <see cref="Finish"/> removes the files.</remarks>
internal sealed class PruningRun : IDisposable
{
    private readonly LanguageModel _model;
    private readonly PruningContext _context;
    private readonly TokenWindows? _windows;
    private readonly bool _allowNonFinite;
    private readonly Dictionary<string, StoredTensor> _weights;
    private readonly Dictionary<string, long> _zerosBefore = new(StringComparer.Ordinal);
    private readonly List<SafetensorsFile> _files = [];
    private readonly List<TensorReport> _reports = [];
    private readonly List<string> _notes = [];
    private readonly HashSet<string> _stored = new(StringComparer.Ordinal);
    private IReadOnlyDictionary<string, GradientStatistics>? _gradients;
    private LanguageModel? _smaller;

    /// <summary>Starts a run.</summary>
    /// <param name="model">The model; it is not changed.</param>
    /// <param name="plan">What is to be done.</param>
    /// <param name="windows">Calibration windows, if the method needs them.</param>
    /// <param name="context">The surroundings.</param>
    /// <param name="allowNonFinite">Whether weights that are NaN or infinite are noted instead of refused.</param>
    /// <exception cref="PruningException">A weight to be pruned is NaN or infinite, and that is not
    /// allowed.</exception>
    public PruningRun(LanguageModel model, PruningPlan plan, TokenWindows? windows, PruningContext context,
        bool allowNonFinite = false)
    {
        _allowNonFinite = allowNonFinite;
        _model = model;
        _windows = windows;
        _context = context;
        Plan = plan;
        _weights = new Dictionary<string, StoredTensor>(model.Weights, StringComparer.Ordinal);
        foreach (PlannedTensor tensor in plan.Tensors) _zerosBefore.Add(tensor.Name, CountZeros(Tensor(tensor)));
    }

    /// <summary>What is to be done.</summary>
    public PruningPlan Plan { get; }

    /// <summary>Statistics that take the place of calibration text; null = there is text, or none is needed.</summary>
    public StatisticsFile? Statistics { get; init; }

    /// <summary>How calibration computes, and where it keeps activations.</summary>
    public CalibrationOptions Calibration { get; init; } = new();

    /// <summary>What a run before this one finished, and where this one records what it finishes; null = nothing is
    /// kept.</summary>
    public ResumeState? State { get; init; }

    /// <summary>Tokens in all calibration windows.</summary>
    public long CalibrationTokens => _windows is null ? 0 : (long)_windows.Count * _windows.Length;

    /// <summary>Checked by everything that takes long.</summary>
    public CancellationToken CancellationToken => _context.CancellationToken;

    /// <summary>The model as it was.</summary>
    public LanguageModel Model => _model;

    /// <summary>Folder for changed weights.</summary>
    public string TempFolder => _context.TempFolder;

    /// <summary>How the model became smaller; null unless it did.</summary>
    public StructureReport? Structure { get; private set; }

    /// <summary>All weights by canonical name, as far as they are changed by now.</summary>
    public IReadOnlyDictionary<string, StoredTensor> Weights => _weights;

    /// <summary>What happened to the tensors so far, in the order of the plan.</summary>
    public IReadOnlyList<TensorReport> Reports
    {
        get
        {
            Dictionary<string, TensorReport> byName = _reports.ToDictionary(r => r.Name);
            return [.. Plan.Tensors.Where(t => byName.ContainsKey(t.Name)).Select(t => byName[t.Name])];
        }
    }

    /// <summary>Sentences for the user.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>The weight of a planned tensor, under its canonical name.</summary>
    public StoredTensor Tensor(PlannedTensor tensor) => _weights[tensor.Name].Renamed(tensor.Name);

    /// <summary>Whether a tensor is finished.</summary>
    public bool IsStored(PlannedTensor tensor) => _stored.Contains(tensor.Name);

    /// <summary>Takes the tensors over that a run before this one finished. To be called when the weights of the model
    /// before pruning are needed no more.</summary>
    public void Restore()
    {
        if (State is null || State.Steps.Count == 0 || _stored.Count > 0) return;
        foreach (string note in State.Notes) Note(note);
        foreach (ResumeState.Step step in State.Steps)
        {
            SafetensorsFile file = State.Read(step);
            _files.Add(file);
            Adopt(file);
            _reports.AddRange(step.Reports);
        }

        _context.Log?.Invoke($"{_stored.Count} of {Plan.Tensors.Count} tensors were finished before.");
    }

    /// <summary>Takes the tensors over that a run before this one finished, if these are all.</summary>
    /// <returns>Whether nothing is left to do.</returns>
    public bool TryRestoreAll()
    {
        if (State is null || Plan.Tensors.Count == 0) return false;
        if (State.Steps.Sum(s => s.Reports.Count) < Plan.Tensors.Count) return false;
        Restore();
        return Plan.Tensors.All(IsStored);
    }

    /// <summary>Writes changed tensors to a file, and takes them from there henceforth.</summary>
    /// <param name="changed">The tensors, on the plan's grid if there is one.</param>
    public void Store(IReadOnlyList<ChangedTensor> changed)
    {
        StoredTensor[] stored = [.. changed.SelectMany(c => c.Bias is null
            ? QuantizedCodec.Encode(c.Weight)
            : [.. QuantizedCodec.Encode(c.Weight), c.Bias])];
        SafetensorsFile file = State?.Write(stored, CancellationToken) ?? SafetensorsWriter.WriteTemporary(
            _context.TempFolder, stored, metadata: null, CancellationToken);
        _files.Add(file);
        Dictionary<string, ChangedTensor> byName = changed.ToDictionary(c => c.Weight.Name, StringComparer.Ordinal);
        var reports = new List<TensorReport>();
        foreach (StoredTensor tensor in Adopt(file))
        {
            if (!byName.TryGetValue(tensor.Name, out ChangedTensor? change)) continue;
            long zeros = CountZeros(tensor);
            reports.Add(new TensorReport(tensor.Name, tensor.ElementCount, _zerosBefore[tensor.Name], zeros)
            {
                Bytes = QuantizedCodec.StorageBytes(tensor),
                Grid = (tensor as QuantizedTensor)?.Grid.ToString(),
                RelativeError = change.Rounding?.RelativeError,
                RoundedToZero = change.Rounding?.NewZeros ?? 0,
                Target = change.Target,
                ScoreQuantiles = change.ScoreQuantiles,
                OutputError = change.OutputError,
                Duration = change.Duration,
            });
            _context.Log?.Invoke($"{tensor.Name}: {zeros} of {tensor.ElementCount} weights are zero.");
        }

        _reports.AddRange(reports);
        State?.Finish(reports, _notes);
    }

    /// <summary>The residual stream of the calibration windows before the first layer.</summary>
    /// <returns>The stream, which the caller disposes.</returns>
    public ResidualStream EmbedWindows() => ResidualStream.Embed(
        Plan.Before, _weights, _windows!, Calibration.Storage, _context.TempFolder, CancellationToken);

    /// <summary>Streams the calibration windows through the model.</summary>
    public void Calibrate(ILayerVisitor visitor) => new LayerStreamingRunner(
        Plan.Before, _weights, _windows!, Calibration.Precision, fraction => Report("calibrate and prune", fraction),
        CancellationToken, Plan.Families.Count == 0 ? Plan.After : null)
    {
        Storage = Calibration.Storage,
        TempFolder = _context.TempFolder,
    }.Run(visitor);

    /// <summary>Runs the calibration windows through the whole model, as it was before the run, with
    /// gradients.</summary>
    /// <param name="needs">What to gather; nothing happens unless gradients are among it.</param>
    /// <param name="movement">How a movement run goes.</param>
    /// <exception cref="PruningException">A gradient is NaN or infinite.</exception>
    public void Differentiate(StatisticsNeeds needs, MovementOptions movement)
    {
        if (needs.OfGradients() == StatisticsNeeds.None) return;
        if (Statistics is { } statistics)
        {
            _gradients = Plan.Tensors.ToDictionary(t => t.Name,
                t => statistics.ReadGradients(t.Name, checked((int)t.Count), needs.OfGradients()));
            return;
        }

        string? path = State?.GradientPath;
        if (path is not null && File.Exists(path))
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            _gradients = Plan.Tensors.ToDictionary(t => t.Name, t => GradientTensors.Read(
                t.Name, checked((int)t.Count), needs.OfGradients(), file.Tensors));
            return;
        }

        _gradients = DifferentiateModel(_model, [.. Plan.Tensors.Select(t => t.Name)], needs,
            fraction => Report("differentiate", fraction), movement);
        State?.WriteGradients([.. _gradients.SelectMany(g => GradientTensors.Of(g.Key, g.Value))], CancellationToken);
    }

    /// <summary>Runs the calibration windows through a model with gradients.</summary>
    /// <param name="model">The model, or what was left of it by now.</param>
    /// <param name="tensors">Canonical names of the weights to differentiate by.</param>
    /// <param name="needs">What to gather.</param>
    /// <param name="progress">Told the fraction done, in [0, 1].</param>
    /// <param name="movement">How a movement run goes; null = the defaults.</param>
    /// <returns>The gradients by canonical name.</returns>
    /// <exception cref="PruningException">A gradient is NaN or infinite.</exception>
    public IReadOnlyDictionary<string, GradientStatistics> DifferentiateModel(LanguageModel model,
        IReadOnlyCollection<string> tensors, StatisticsNeeds needs, Action<double> progress,
        MovementOptions? movement = null)
    {
        IReadOnlyDictionary<string, GradientStatistics> gradients = GradientRunner.Run(model, _windows!, tensors, needs,
            movement ?? MovementOptions.Default, progress, CancellationToken);
        if (gradients.FirstOrDefault(g => !g.Value.IsFinite).Key is { } name)
        {
            throw new PruningException($"The gradients of '{name}' are not finite on the calibration text; the model's "
                + "weights are damaged, or a training run diverged (lower its learning rate).");
        }

        return gradients;
    }

    /// <summary>The gradients of a tensor, after <see cref="Differentiate"/>; null if none were asked for.</summary>
    public GradientStatistics? Gradients(PlannedTensor tensor) => _gradients?[tensor.Name];

    /// <summary>Reports progress, and stops if that is asked for.</summary>
    public void Report(string step, double fraction)
    {
        CancellationToken.ThrowIfCancellationRequested();
        _context.Progress?.Report(new PruningProgress(step, fraction));
    }

    /// <summary>Adds a sentence for the user.</summary>
    /// <remarks>The same sentence is added once.</remarks>
    public void Note(string sentence)
    {
        if (!_notes.Contains(sentence)) _notes.Add(sentence);
    }

    /// <summary>Takes a smaller model as the result.</summary>
    /// <param name="smaller">The model, which the run disposes.</param>
    /// <param name="structure">How it became smaller.</param>
    public void Become(LanguageModel smaller, StructureReport structure)
    {
        _smaller = smaller;
        Structure = structure;
    }

    /// <summary>Makes the pruned model, which takes the files over.</summary>
    /// <param name="step">What was done.</param>
    public LanguageModel Finish(ProvenanceStep step)
    {
        if (_smaller is not null)
        {
            LanguageModelContent shrunk = _smaller.ToContent();
            return new LanguageModel(shrunk with { Provenance = [.. shrunk.Provenance, step] });
        }

        LanguageModelContent content = _model.ToContent();
        var pruned = new LanguageModel(content with
        {
            Spec = Plan.After,
            Weights = _weights,
            Files = [.. content.Files, .. _files],
            Provenance = [.. content.Provenance, step],
            // Where nothing is to be removed, zeros are no mask.
            MaskedTensors = content.MaskedTensors.Union(Plan.Tensors.Where(t => t.Sparsity > 0).Select(t => t.Name))
                .ToHashSet(StringComparer.Ordinal),
        });
        _files.Clear();
        return pruned;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _smaller?.Dispose();
        foreach (SafetensorsFile file in _files) file.Dispose();
        _files.Clear();
    }

    private long CountZeros(StoredTensor tensor)
    {
        (long zeros, long? bad) = TensorCensus.Take(tensor, CancellationToken);
        if (bad is not { } index) return zeros;
        Span<float> value = stackalloc float[1];
        tensor.Read(index, value);
        long columns = tensor.Shape[1];
        string what = $"Tensor '{tensor.Name}' has the value {value[0]} at [{index / columns}, {index % columns}]";
        if (!_allowNonFinite)
            throw new PruningException($"{what}; weights must be finite. Repair or re-download the checkpoint.");
        string note = $"{what}; weights that are NaN or infinite were kept.";
        Note(note);
        return zeros;
    }

    private IEnumerable<StoredTensor> Adopt(SafetensorsFile file)
    {
        IReadOnlyDictionary<string, StoredTensor> tensors = CompressedCheckpoint.Read(file.Tensors);
        foreach (StoredTensor tensor in tensors.Values)
        {
            if (!IsExpected(tensor))
            {
                throw new CheckpointFormatException($"'{file.Path}' holds '{tensor.Name}', which is none of the "
                    + "tensors to prune, or has another shape.");
            }

            _weights[tensor.Name] = tensor;
            if (_zerosBefore.ContainsKey(tensor.Name)) _stored.Add(tensor.Name);
        }

        return tensors.Values;
    }

    // A planned weight, or the bias of one.
    private bool IsExpected(StoredTensor tensor)
    {
        if (_zerosBefore.ContainsKey(tensor.Name)) return tensor.Shape.SequenceEqual(_weights[tensor.Name].Shape);
        ParameterSpec? bias = Plan.After.Parameters()
            .FirstOrDefault(p => p.Name == tensor.Name && p.Role == ParameterRole.Bias);
        return bias is not null && tensor.Shape.SequenceEqual(bias.Shape)
            && _zerosBefore.ContainsKey(TensorNames.Weight(bias.Layer, bias.Part));
    }
}
