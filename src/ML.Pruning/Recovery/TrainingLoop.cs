using System.Diagnostics;
using System.Text.Json.Nodes;
using ML.Pruning.Models.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>Trains some of a decoder's parameters, whichever take part.</summary>
/// <remarks>The same seed, number of threads and machine give the same bits, with or without a stop in between. Not
/// thread-safe.</remarks>
internal sealed class TrainingLoop : IDisposable
{
    private const int MostSkippedInARow = 8;
    private const int MostRollbacks = 5;
    private const double HarmFactor = 0.25; // of the rate, where training made the model worse than it was
    private const double HarmMargin = 0.01;
    private readonly TorchDecoder _decoder;
    private readonly TrainingExamples _examples;
    private readonly TrainingOptions _options;
    private readonly TrainedParameters _parameters;
    private readonly TrainingObjective _validation;
    private readonly int _heldOut;
    private TrainingState _state = new();
    private TrainedParameters.Snapshot _good;
    private IReadOnlyDictionary<string, float[]>[] _goodHooks = [];
    private float[][]? _best;
    private long _tokens;

    /// <summary>Prepares a run.</summary>
    /// <param name="decoder">The model; its forward pass must depend on every trained parameter.</param>
    /// <param name="parameters">The parameters to train, by name.</param>
    /// <param name="examples">What to train on; the last ones are held out.</param>
    /// <param name="options">How, resolved.</param>
    public TrainingLoop(TorchDecoder decoder, IEnumerable<(string Name, Parameter Parameter)> parameters,
        TrainingExamples examples, TrainingOptions options)
    {
        _decoder = decoder;
        _examples = examples;
        _options = options;
        _heldOut = options.ValidationExamples!.Value;
        _parameters = new TrainedParameters(parameters, options);
        _validation = TrainingObjective.Of(decoder);
        _good = _parameters.TakeSnapshot();
    }

    /// <summary>What training makes small; null = the cross-entropy of what the model predicts
    /// (<see cref="TrainingObjective.Of"/>). Held-out examples are always measured by the latter, so that runs
    /// compare.</summary>
    public TrainingObjective? Objective { get; init; }

    /// <summary>Who else takes part; the caller disposes them.</summary>
    public IReadOnlyList<TrainingHook> Hooks { get; init; } = [];

    /// <summary>The learning rate of a step; null = as the options say.</summary>
    public Func<int, double>? LearningRateAt { get; init; }

    /// <summary>What identifies the run, for checkpoints.</summary>
    public JsonObject Identity { get; init; } = [];

    /// <summary>Trains.</summary>
    /// <param name="progress">Told after each step, and at the start.</param>
    /// <param name="cancellationToken">Stops between batches; the state is written if there is a place for it.</param>
    /// <returns>The best parameters, or without held-out examples the last.</returns>
    /// <exception cref="TrainingException">The model cannot be trained: its loss is not finite to begin with, or
    /// nothing but failed steps came of it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public TrainingOutcome Run(IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        TrainingCheckpoint? checkpoint = _options.CheckpointFolder is { } folder ? new(folder, Identity) : null;
        if (_options.Resume && checkpoint is { Exists: true }) Load(checkpoint);
        else _goodHooks = [.. Hooks.Select(hook => hook.Save())];
        var order = new ExampleOrder(_examples.Count - _heldOut, _options.Seed);
        order.Skip((long)_state.Step * _options.ExamplesPerStep);
        var clock = Stopwatch.StartNew();
        int first = _state.Step;
        try
        {
            while (true)
            {
                double? validation = _state.MeasurementDue ? Measure(cancellationToken) : null;
                progress?.Report(Progress(validation, clock.Elapsed, first));
                if (_state.Step == _options.Steps || _state.WhyStopped is not null) break;
                cancellationToken.ThrowIfCancellationRequested();
                Step(order);
                if (checkpoint is not null && _state.Step % _options.CheckpointInterval == 0) Save(checkpoint);
            }
        }
        catch (OperationCanceledException) when (checkpoint is not null)
        {
            Save(checkpoint);
            throw;
        }

        if (checkpoint is not null)
        {
            if (_options.KeepState) Save(checkpoint);
            else checkpoint.Delete();
        }

        return Outcome(clock.Elapsed);
    }

    /// <inheritdoc/>
    public void Dispose() => _parameters.Dispose();

    // One step, with all that may go wrong in it.
    private void Step(ExampleOrder order)
    {
        int step = _state.Step;
        double rate = (LearningRateAt ?? _options.LearningRateAt)(step) * _state.RateFactor;
        _parameters.SetLearningRate(rate);
        _parameters.ClearGradients();
        foreach (TrainingHook hook in Hooks) hook.StepStarting(step);
        double loss = Accumulate(order);
        foreach (TrainingHook hook in Hooks) hook.GradientsReady(step);
        bool isFinite = double.IsFinite(loss) && double.IsFinite(_parameters.ClipGradients(_options.MaxGradientNorm));
        if (isFinite)
        {
            if (!Hooks.Any(hook => hook.SkipsStep)) _parameters.Step();
            _state.SkippedInARow = 0;
        }
        else
        {
            _state.Skipped++;
            _state.SkippedInARow++;
        }

        foreach (TrainingHook hook in Hooks) hook.WeightsMoved(step, _parameters);
        _state.Step++;
        _state.LearningRate = rate;
        _state.Loss = loss;
        _state.Curve.Add(new TrainingPoint(_state.Step, rate, loss, null));
        if (Hooks.Any(hook => hook.StartsAnew))
        {
            _state.Losses = new LossMonitor();
            TakeGood();
        }

        if (isFinite ? _state.Losses.Add(loss, _options.SpikeDeviations)
            : _state.SkippedInARow == MostSkippedInARow)
        {
            GoBack($"the loss or gradient was {(isFinite ? "too high" : "not finite")} several times in a row");
        }

        _state.MeasurementDue = _state.Step % _options.ValidationInterval == 0 || _state.Step == _options.Steps;
    }

    // The batches of a step weigh as many predictions as they have, so that the mean is over all of them.
    private double Accumulate(ExampleOrder order)
    {
        using IDisposable gradients = enable_grad();
        TrainingBatch[] batches = [.. Enumerable.Range(0, _options.AccumulationSteps)
            .Select(i => _examples.Batch(order.Next(_options.BatchSize), Draw(i)))];
        double total = batches.Sum(b => (double)b.PredictionCount), sum = 0;
        _decoder.train();
        foreach (TrainingBatch batch in batches)
        {
            using DisposeScope scope = NewDisposeScope();
            double share = batch.PredictionCount / total;
            Tensor loss = (Objective ?? _validation).Loss(batch);
            sum += share * loss.ToDouble();
            (batches.Length == 1 ? loss : loss.mul(share)).backward();
            _tokens += batch.Tokens.Length;
        }

        return sum;
    }

    // Another number for every batch of a run, and 0 for no batch; it does not depend on stops in between.
    private long Draw(int batch) =>
        ((long)_options.Seed << 32) + (long)_state.Step * _options.AccumulationSteps + batch + 1;

    // Measures, and notes weights worth keeping and worth going back to.
    private double? Measure(CancellationToken cancellationToken)
    {
        double? validation = _heldOut == 0 ? null : Validate(cancellationToken);
        _state.MeasurementDue = false;
        if (_state.Curve.Count == 0) _state.Curve.Add(new TrainingPoint(0, 0, null, validation));
        else _state.Curve[^1] = _state.Curve[^1] with { ValidationLoss = Finite(validation) };
        if (_state.Step == 0) _state.InitialLoss = validation;
        if (validation is { } measured && !double.IsFinite(measured))
        {
            if (_state.Step == 0) throw NotFinite($"validation loss is {measured}");
            GoBack("the loss of the held-out examples was not finite");
            return null;
        }

        if (Hooks.All(hook => hook.IsComplete) && validation is not null) Keep(validation.Value);
        if (CountHarm(validation))
            GoBack("the loss of the held-out examples was higher than at the start", HarmFactor);
        else if (double.IsFinite(_state.Loss) && _state.Losses.Suspicious == 0 && _state.WorseThanStart == 0)
            TakeGood();

        return validation;
    }

    // Counts losses in a row that are worse than the start, and tells whether they are harm: nothing has been better, and
    // this is much worse or the second that is worse, so that the rate is too high for a model that was trained well
    // before. While masks still close, the start is nothing to compare with.
    private bool CountHarm(double? validation)
    {
        if (_state.Step == 0 || _state is not { BestStep: 0, BestLoss: { } start }) return false;
        _state.WorseThanStart = validation > start ? _state.WorseThanStart + 1 : 0;
        return _state.WorseThanStart == 2 || validation > start * (1 + HarmMargin);
    }

    private void TakeGood()
    {
        _good = _parameters.TakeSnapshot();
        _goodHooks = [.. Hooks.Select(hook => hook.Save())];
    }

    private void Keep(double validation)
    {
        if (_state.BestLoss is not { } best || validation < best)
        {
            _state.BestLoss = validation;
            _state.BestStep = _state.Step;
            _state.WithoutNewBest = 0;
            _best = _parameters.Values();
        }
        else if (++_state.WithoutNewBest == _options.EarlyStoppingPatience)
        {
            _state.WhyStopped = $"{_state.WithoutNewBest} measurements without a new best";
        }
    }

    private void GoBack(string why, double rateFactor = 0.5)
    {
        if (_state.Rollbacks == MostRollbacks)
        {
            if (_best is null) throw NotFinite("training does not get anywhere: " + why);
            _state.WhyStopped = $"went back {MostRollbacks} times; then {why}";
            return;
        }

        _state.Rollbacks++;
        _state.RateFactor *= rateFactor;
        _state.SkippedInARow = 0;
        _state.WorseThanStart = 0;
        _state.Losses = new LossMonitor();
        _parameters.Restore(_good);
        for (int i = 0; i < Hooks.Count; i++) Hooks[i].Load(_goodHooks[i]);
    }

    private double Validate(CancellationToken cancellationToken)
    {
        using IDisposable noGrad = no_grad();
        double sum = 0, count = 0;
        _decoder.eval();
        foreach (int[] indices in Enumerable.Range(_examples.Count - _heldOut, _heldOut).Chunk(_options.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            TrainingBatch batch = _examples.Batch(indices);
            sum += _validation.Loss(batch).ToDouble() * batch.PredictionCount;
            count += batch.PredictionCount;
        }

        return sum / count;
    }

    private TrainingProgress Progress(double? validation, TimeSpan elapsed, int first)
    {
        int done = _state.Step - first;
        return new TrainingProgress(
            _state.Step, _options.Steps!.Value, _state.LearningRate, _state.Loss, validation)
        {
            Sparsity = Hooks.Select(hook => hook.Sparsity).FirstOrDefault(s => s is not null),
            TokensPerSecond = _tokens / elapsed.TotalSeconds,
            TimeLeft = done == 0 ? null : elapsed / done * (_options.Steps!.Value - _state.Step),
            SkippedSteps = _state.Skipped,
            Rollbacks = _state.Rollbacks,
        };
    }

    private TrainingOutcome Outcome(TimeSpan elapsed)
    {
        bool keepsBest = _best is not null;
        var report = new TrainingReport
        {
            Steps = _options.Steps!.Value,
            StepsDone = _state.Step,
            WhyStopped = _state.WhyStopped,
            TrainedParameters = _parameters.Parameters.Sum(p => p.Parameter.numel()),
            InitialLoss = _state.InitialLoss,
            BestLoss = _state.BestLoss,
            BestStep = keepsBest ? _state.BestStep : _state.Step,
            SkippedSteps = _state.Skipped,
            Rollbacks = _state.Rollbacks,
            TokensPerSecond = _tokens / elapsed.TotalSeconds,
            Curve = _state.Curve,
        };
        return new TrainingOutcome(report, _best ?? _parameters.Values());
    }

    private TrainingException NotFinite(string what) => new($"The {what} after {_state.Step} of {_options.Steps} steps "
        + $"(learning rate {_options.LearningRateAt(Math.Max(0, _state.Step - 1)) * _state.RateFactor:G3}); lower the "
        + "learning rate or lengthen the warm-up, and check that the model's weights are finite.");

    private static double? Finite(double? value) => value is { } v && double.IsFinite(v) ? value : null;

    private void Save(TrainingCheckpoint checkpoint)
    {
        var arrays = new Dictionary<string, float[]>(StringComparer.Ordinal);
        Add(arrays, "now", _parameters.TakeSnapshot());
        Add(arrays, "good", _good);
        for (int i = 0; _best is not null && i < _best.Length; i++) arrays.Add($"best.{i}", _best[i]);
        for (int i = 0; i < Hooks.Count; i++)
        {
            foreach ((string name, float[] values) in Hooks[i].Save()) arrays.Add($"hook.{i}.{name}", values);
            foreach ((string name, float[] values) in _goodHooks[i]) arrays.Add($"goodhook.{i}.{name}", values);
        }

        checkpoint.Save(_state, arrays);
    }

    private void Add(Dictionary<string, float[]> arrays, string name, TrainedParameters.Snapshot snapshot)
    {
        for (int i = 0; i < snapshot.Values.Length; i++)
        {
            arrays.Add($"{name}.value.{i}", snapshot.Values[i]);
            arrays.Add($"{name}.mean.{i}", snapshot.Means[i]);
            arrays.Add($"{name}.square.{i}", snapshot.Squares[i]);
        }

        _state.MomentSteps[name] = snapshot.Step;
    }

    private void Load(TrainingCheckpoint checkpoint)
    {
        (_state, IReadOnlyDictionary<string, float[]> arrays) = checkpoint.Load();
        int count = _parameters.Parameters.Count;
        TrainedParameters.Snapshot Read(string name) => new(
            All($"{name}.value."), All($"{name}.mean."), All($"{name}.square."), _state.MomentSteps[name]);
        float[][] All(string prefix) => [.. Enumerable.Range(0, count).Select(i => arrays[prefix + i])];
        _parameters.Restore(Read("now"));
        _good = Read("good");
        _best = _state.BestLoss is null ? null : All("best.");
        _goodHooks = [.. Hooks.Select((_, i) => Of(arrays, $"goodhook.{i}."))];
        for (int i = 0; i < Hooks.Count; i++) Hooks[i].Load(Of(arrays, $"hook.{i}."));
    }

    private static Dictionary<string, float[]> Of(IReadOnlyDictionary<string, float[]> arrays, string prefix) =>
        arrays.Where(a => a.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(a => a.Key[prefix.Length..], a => a.Value, StringComparer.Ordinal);
}
