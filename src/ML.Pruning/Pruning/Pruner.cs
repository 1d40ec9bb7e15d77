using System.Diagnostics;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Pruning;

/// <summary>Prunes models.</summary>
/// <remarks>Thread-safe. The same model, method, text, number of threads and machine give the same bits.</remarks>
public static class Pruner
{
    /// <summary>Prunes a model; adapters are merged into its weights first.</summary>
    /// <param name="model">The model, with weights; it is not changed.</param>
    /// <param name="method">The method with its options.</param>
    /// <param name="calibrationDocuments">Calibration text (<see cref="TextCorpus.Read"/>); read once, and only by
    /// methods that need it.</param>
    /// <param name="context">Where to write temporary files, and whom to tell; null = the system's temporary folder,
    /// and nobody.</param>
    /// <returns>The pruned model, which the caller disposes, with plan and report.</returns>
    /// <exception cref="ArgumentException">An option is out of range or does not fit the model, or calibration text is
    /// missing or too short; the message says what to do.</exception>
    /// <exception cref="PruningException">Weights (unless <see cref="WeightPruning.AllowNonFinite"/>), activations or
    /// scores are NaN or infinite, or nothing is left to prune; the message names the tensor.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights, or no tokenizer although calibration needs
    /// it.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind but
    /// <see cref="PruningContext.ResumeFolder"/>.</exception>
    public static PruningResult Prune(LanguageModel model, PruningMethod method,
        IEnumerable<string>? calibrationDocuments = null, PruningContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(method);
        context ??= new PruningContext();
        if (model.Spec.Adapters.Count > 0)
        {
            using LanguageModel merged = model.Merged();
            return Prune(merged, method, calibrationDocuments, context);
        }

        var clock = Stopwatch.StartNew();
        PruningPlan plan = Plan(model, method, method.Calibration, context);
        TokenWindows? windows = CutWindows(model, method, calibrationDocuments, context.CancellationToken);
        return Carry(model, method, plan, windows, context, clock);
    }

    /// <summary>Prunes a model with calibration windows that are cut already.</summary>
    /// <param name="model">The model, with weights; it is not changed.</param>
    /// <param name="method">The method with its options; of <see cref="PruningMethod.Calibration"/> nothing is
    /// used.</param>
    /// <param name="calibrationWindows">All of them are used, in order.</param>
    /// <param name="context">Where to write temporary files, and whom to tell; null = the system's temporary folder,
    /// and nobody.</param>
    /// <returns>The pruned model, which the caller disposes, with plan and report.</returns>
    /// <exception cref="ArgumentException">As for <see cref="Prune"/>; or there is no window, or the windows exceed the
    /// model's context.</exception>
    /// <exception cref="PruningException">As for <see cref="Prune"/>.</exception>
    /// <exception cref="InvalidOperationException">The model has no weights.</exception>
    /// <exception cref="IOException">The temporary file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind but
    /// <see cref="PruningContext.ResumeFolder"/>.</exception>
    public static PruningResult PruneWithWindows(LanguageModel model, PruningMethod method,
        TokenWindows calibrationWindows, PruningContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(calibrationWindows);
        if (calibrationWindows.Count == 0 || calibrationWindows.Length > model.Spec.ContextLength)
        {
            throw new ArgumentException($"{calibrationWindows.Count} windows of {calibrationWindows.Length} tokens "
                + $"were given; at least one of at most {model.Spec.ContextLength} tokens is needed.",
                nameof(calibrationWindows));
        }

        if (model.Spec.Adapters.Count > 0)
        {
            using LanguageModel merged = model.Merged();
            return PruneWithWindows(merged, method, calibrationWindows, context);
        }

        var clock = Stopwatch.StartNew();
        context ??= new PruningContext();
        PruningPlan plan = Plan(model, method, method.Calibration with
        {
            Samples = calibrationWindows.Count,
            SequenceLength = calibrationWindows.Length,
        }, context);
        return Carry(
            model, method, plan, method.NeedsCalibration ? calibrationWindows : null, context, clock,
            windowsGiven: true);
    }

    /// <summary>Runs calibration text through a model as it is and saves the statistics that a method needs, so that
    /// the model can be pruned at several sparsities (<see cref="WeightPruning.Statistics"/>) without text and without
    /// running it again.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="method">The method whose statistics to gather; also those that need less can use them.</param>
    /// <param name="calibrationDocuments">Calibration text; read once.</param>
    /// <param name="path">The safetensors file, which appears whole or not at all; an existing one is replaced.
    /// Hessians take 4 features^2 bytes for each input of linear maps.</param>
    /// <param name="context">Temporary folder, memory limit, threads and whom to tell; null = the defaults.</param>
    /// <exception cref="ArgumentException">The method needs no statistics, an option does not fit the model, or the
    /// text is too short.</exception>
    /// <exception cref="InvalidDataException">Activations are NaN or infinite.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public static void SaveStatistics(LanguageModel model, WeightPruning method,
        IEnumerable<string> calibrationDocuments, string path, PruningContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(calibrationDocuments);
        context ??= new PruningContext();
        (StatisticsNeeds needs, MovementOptions movement) = method.Required;
        if (needs == StatisticsNeeds.None)
            throw new ArgumentException($"The method {method.Name} needs no statistics, so there is nothing to save.");
        Plan(model, method, method.Calibration, context);
        TokenWindows windows = method.Calibration.CutWindows(calibrationDocuments, model, context.CancellationToken);
        using var threads = new RunThreads(context.Threads, usesTorch: true);
        context.Log?.Invoke($"Saving {needs} of {windows.Count} windows of {windows.Length} tokens to '{path}'.");
        var runner = new LayerStreamingRunner(model.Spec, model.Weights, windows, method.Calibration.Precision,
            fraction => context.Progress?.Report(new PruningProgress("calibrate", fraction)), context.CancellationToken)
        {
            Storage = method.Calibration.Storage,
            TempFolder = context.TempFolder,
        };
        StatisticsGatherer.Write(model, windows, needs, movement, path, runner, method.Calibration.Precision,
            context.CancellationToken);
    }

    /// <summary>Removes the state that an earlier run left, so that the next one starts anew.</summary>
    /// <param name="resumeFolder">As <see cref="PruningContext.ResumeFolder"/>; nothing happens if it is not
    /// there.</param>
    /// <exception cref="ArgumentException">The folder holds something else.</exception>
    /// <exception cref="IOException">The folder cannot be removed.</exception>
    public static void DiscardResumeState(string resumeFolder)
    {
        ArgumentException.ThrowIfNullOrEmpty(resumeFolder);
        ResumeState.Remove(resumeFolder);
    }

    private static PruningPlan Plan(
        LanguageModel model, PruningMethod method, CalibrationOptions calibration, PruningContext context)
    {
        TensorType type = model.Weights[TensorNames.Weight(0, TensorNames.Query)].Type;
        PruningPlan plan = method.Plan(model.Spec, type, calibration);
        if (context.MemoryLimitBytes is { } limit) plan.RequireMemory(limit, method);
        return plan;
    }

    private static PruningResult Carry(LanguageModel model, PruningMethod method, PruningPlan plan,
        TokenWindows? windows, PruningContext context, Stopwatch clock, bool windowsGiven = false)
    {
        using LlmTelemetry.Operation operation =
            LlmTelemetry.Start("prune", model.Spec.Family, ("method", method.Name));
        method.CheckStatistics(model);
        using var threads = new RunThreads(context.Threads, method.UsesTorch);
        if (SensitivityScan.Resolve(model, method, plan, windows, context) is { } resolved)
            (method, plan) = (resolved, Plan(model, resolved, method.Calibration, context));
        JsonObject? calibration =
            windows is null ? null : CalibrationJson(windows, windowsGiven ? null : method.Calibration);
        ResumeState? state = method is LayerwisePruning && context.ResumeFolder is { } folder
            ? ResumeState.Open(folder, RunJson(model, method, calibration))
            : null;
        string what = plan.Families.Count > 0 ? "groups" : $"{plan.Tensors.Count} tensors";
        context.Log?.Invoke($"Pruning {what} with {method.Name}; about "
            + $"{plan.PeakMemoryBytes >> 20} MiB of memory and {plan.DiskBytes >> 20} MiB of disk are needed.");
        using var run = new PruningRun(model, plan, windows, context, method.AcceptsNonFinite)
        {
            Calibration = method.Calibration,
            Statistics = method.StoredStatistics,
            State = state,
        };
        Run(method, run);
        int asked = windows is null ? 0 : windowsGiven ? windows.Count : method.Calibration.Samples;
        PruningReport report = new()
        {
            Method = method.Name,
            Tensors = run.Reports,
            Skipped = plan.Skipped,
            WindowsAsked = asked,
            WindowsUsed = windows?.Count ?? 0,
            WindowLength = windows?.Length ?? 0,
            Notes = [.. run.Notes, .. Notes(plan, windows, asked),
                .. method is LayerwisePruning { Pattern: var pattern }
                ? SpeedWarnings.OfThisMachine().Of(run.Reports, pattern)
                : []],
            Structure = run.Structure,
            Duration = clock.Elapsed,
        };
        JsonObject provenance = method.ToJson();
        if (calibration is not null) provenance["calibration"] = calibration;
        Describe(report, provenance);
        LanguageModel pruned = run.Finish(ProvenanceStep.Now("prune", method.Name, provenance));
        operation.Sparsity(report.Sparsity);
        operation.Complete();
        return new PruningResult(pruned, plan, report) { State = state };
    }

    private static void Describe(PruningReport report, JsonObject provenance)
    {
        if (report.Structure is { } structure)
        {
            provenance["parametersBefore"] = structure.Before.ParameterCount;
            provenance["parametersAfter"] = structure.After.ParameterCount;
            return;
        }

        provenance["tensors"] = report.Tensors.Count;
        provenance["weights"] = report.Tensors.Sum(t => t.Elements);
        provenance["zeros"] = report.Tensors.Sum(t => t.ZerosAfter);
    }

    private static void Run(PruningMethod method, PruningRun run)
    {
        if (run.TryRestoreAll()) return;
        try
        {
            method.Run(run);
        }
        catch (Exception e) when (e is PruningException or ArgumentException)
        {
            // It would happen again.
            run.State?.Remove();
            throw;
        }
    }

    // Everything that the bits of the result depend on.
    private static JsonObject RunJson(LanguageModel model, PruningMethod method, JsonObject? calibration) => new()
    {
        ["library"] = ProvenanceStep.Now("prune", method.Name, []).Version,
        ["model"] = model.ContentHash,
        ["options"] = method.ToJson(),
        ["calibration"] = calibration?.DeepClone(),
        ["precision"] = method.Calibration.Precision.ToString().ToLowerInvariant(),
        ["threads"] = !method.UsesTorch ? null : TorchSharp.torch.get_num_threads(),
    };

    private static TokenWindows? CutWindows(LanguageModel model, PruningMethod method,
        IEnumerable<string>? documents, CancellationToken cancellationToken)
    {
        if (!method.NeedsCalibration) return null;
        if (documents is null)
        {
            throw new ArgumentException($"The method {method.Name} needs calibration text: some documents of the kind "
                + "that the model is for.", nameof(documents));
        }

        return method.Calibration.CutWindows(documents, model, cancellationToken);
    }

    private static IEnumerable<string> Notes(PruningPlan plan, TokenWindows? windows, int asked)
    {
        if (windows is not null && windows.Count < asked)
        {
            yield return $"The calibration text filled only {windows.Count} of the {asked} windows of {windows.Length} "
                + "tokens that were asked for.";
        }

        if (PartialGroups(plan) is > 0 and int partial)
        {
            yield return $"{partial} tensors have columns that do not divide into the groups of {plan.Quantization}, "
                + "so that the last group of each row is narrower; this library reads that, but other software may "
                + "not.";
        }

        if (plan.Families.Count > 0) yield break;
        yield return "Zeros in dense storage make a model neither smaller nor faster: save it compressed for the size, "
            + "and run it with a sparse engine for the speed.";
    }

    private static int PartialGroups(PruningPlan plan) => plan.Quantization is not { } grid ? 0
        : plan.Tensors.Count(t => grid.Groups(t.Columns) > 1 && t.Columns % grid.GroupColumns(t.Columns) != 0);

    private static JsonObject CalibrationJson(TokenWindows windows, CalibrationOptions? options)
    {
        var json = new JsonObject
        {
            ["windows"] = windows.Count,
            ["sequenceLength"] = windows.Length,
            ["windowHash"] = windows.Hash(),
        };
        if (options is not null)
        {
            json["samples"] = options.Samples;
            json["order"] = options.Order.ToString().ToLowerInvariant();
            json["precision"] = options.Precision.ToString().ToLowerInvariant();
            json["seed"] = options.Seed;
        }

        return json;
    }
}
