using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune prune</c>: prunes a model and writes the result.</summary>
internal static class PruneCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> output = CommonOptions.Output();
        Option<string?> calibration = new("--calibration")
        {
            Description = "Calibration text: .jsonl (field \"text\") or .txt. Needed by all methods but magnitude, "
                + "random and depth.",
        };
        Option<string[]> report = new("--report")
        {
            Description = "Also write the report to this file: as a page to look at if it ends in .html, else as "
                + "JSON; may be repeated.",
        };
        Option<string?> evaluate = new("--evaluate")
        {
            Description = "Text to measure the perplexity on before and after, in windows of --sequence-length; for "
                + "the report.",
        };
        Option<string?> saveAllocation = new("--save-allocation")
        {
            Description = "Write the sparsity that each tensor got to this .json file, which --allocation reads.",
        };
        Option<bool> compressed = new("--compressed")
        {
            Description = "A folder: store sparse weights as bitmask and values (compressed-tensors naming).",
        };
        Option<bool> resume = new("--resume")
        {
            Description = "Go on from OUTPUT.resume, which a run that was stopped or killed leaves; same result as an "
                + "unbroken run. Without such a folder just start.",
        };
        Option<string?> saveStatistics = new("--save-statistics")
        {
            Description = "First save the statistics of the model before pruning to this file, then prune with them; "
                + "--statistics FILE uses them again.",
        };
        Option<string?> memoryLimit = CommonOptions.MemoryLimit();
        Option<int?> threads = new("--threads")
        {
            Description = "Threads of matrix products and scoring (default: all processors).",
        };
        Option<bool> force = CommonOptions.Force();
        Option<bool> json = CommonOptions.Json();
        var method = new MethodOptions();
        var command = new Command("prune", "Prune a model and write it as a Hugging Face folder or a .zip.")
        {
            model, output, calibration, report, evaluate, saveAllocation, compressed, saveStatistics, resume,
            memoryLimit, threads,
            force, json,
        };
        method.AddTo(command);
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            PruningMethod chosen = method.Parse(parse);
            if (parse.GetValue(resume)) RequireLayerwise("--resume", chosen);
            if (parse.GetValue(saveAllocation) is not null) RequireLayerwise("--save-allocation", chosen);
            string? text = parse.GetValue(calibration);
            if (chosen.NeedsCalibration && text is null)
                throw new UserErrorException($"--method {chosen.Name} needs --calibration FILE.");
            var target = new ModelOutput(parse.GetRequiredValue(output), parse.GetValue(force));
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            if (!target.IsZip && chosen is LayerwisePruning { Quantization: not null })
                HuggingFaceModel.RequireQuantizable(opened.Spec);
            if (!parse.GetValue(resume)) Pruner.DiscardResumeState(target.ResumeFolder);
            var context = new PruningContext
            {
                ResumeFolder = chosen is LayerwisePruning ? target.ResumeFolder : null,
                MemoryLimitBytes = CommonOptions.ParseMemoryLimit(parse.GetValue(memoryLimit)),
                Threads = parse.GetValue(threads),
                CancellationToken = cancellationToken,
                Log = new PlanFirst(() => PlanOf(chosen, opened)).Write,
            };
            if (parse.GetValue(saveStatistics) is { } file)
            {
                SaveStatistics(opened, chosen, text, file, parse.GetValue(force), context);
                chosen = method.Parse(parse, file);
            }

            PruningResult result = Prune(opened, chosen, text, context);
            using LanguageModel pruned = result.Model;
            target.Write(pruned, parse.GetValue(compressed), cancellationToken);
            result.DiscardResumeState();
            JsonObject told = result.Report.ToJson();
            if (parse.GetValue(evaluate) is { } data)
                Evaluate(opened, pruned, data, chosen.Calibration.SequenceLength, told, cancellationToken);
            if (parse.GetValue(saveAllocation) is { } allocation) SaveAllocation(result.Report, allocation);
            string[] reports = parse.GetValue(report) ?? [];
            if (reports.Length > 0) told["size"] = Sizes(opened, pruned, cancellationToken);
            foreach (string path in reports) ReportFile.Write(path, told);
            if (parse.GetValue(json)) JsonOutput.Write(told);
            else ToolConsole.Error.Write(result.Report.ToTable());
        }));
        return command;
    }

    private static void RequireLayerwise(string option, PruningMethod method)
    {
        if (method is LayerwisePruning) return;
        throw new UserErrorException($"{option} is for methods that set weights to zero, layer by layer; --method "
            + $"{method.Name} decides about the whole model at once. Leave {option} out.");
    }

    private static void SaveAllocation(PruningReport report, string path) => (report.ToAllocation()
        ?? throw new UserErrorException("--save-allocation: masks from a file decided, so there are no sparsities."))
        .Write(path);

    // What the run is going to do, and what it takes, stands before the first thing that it says, which it says before
    // any weight moves.
    private sealed class PlanFirst(Func<PruningPlan> plan)
    {
        private bool _isShown;

        public void Write(string message)
        {
            if (!_isShown) ToolConsole.Error.Write(plan().ToTable());
            _isShown = true;
            ToolConsole.Error.WriteLine(message);
        }
    }

    private static PruningPlan PlanOf(PruningMethod method, LanguageModel model) =>
        method.Plan(model.Spec, model.Weights[TensorNames.Weight(0, TensorNames.Query)].Type);

    private static void SaveStatistics(LanguageModel model, PruningMethod method, string? calibration, string path,
        bool force, PruningContext context)
    {
        if (method is not WeightPruning { Statistics: null } weights || calibration is null)
        {
            throw new UserErrorException("--save-statistics needs a --method that uses calibration text, --calibration "
                + "FILE, and no --statistics.");
        }

        if (File.Exists(path) && !force)
            throw new UserErrorException($"--save-statistics '{path}' exists already; use it with --statistics, or "
                + "--force to replace it.");
        using var progress = new ConsoleProgress("Gathering statistics");
        Pruner.SaveStatistics(model, weights, TextCorpus.Read(calibration), path, context with
        {
            Progress = new Progress<PruningProgress>(p => progress.Report(p.Fraction, p.Step)),
        });
    }

    private static JsonObject Sizes(LanguageModel before, LanguageModel after, CancellationToken cancellationToken) =>
        new()
    {
        ["before"] = SizeAudit.Of(before, cancellationToken).CompressedBytes,
        ["after"] = SizeAudit.Of(after, cancellationToken).CompressedBytes,
    };

    private static void Evaluate(LanguageModel before, LanguageModel after, string data, int? length, JsonObject told,
        CancellationToken cancellationToken)
    {
        if (!File.Exists(data)) throw new UserErrorException($"The text '{data}' does not exist.");
        int window = length ?? Math.Min(512, before.Spec.ContextLength);
        var measured = new JsonObject { ["data"] = Path.GetFileName(data), ["sequenceLength"] = window };
        var speed = new JsonObject();
        foreach ((string key, LanguageModel model) in new[] { ("before", before), ("after", after) })
        {
            using var progress = new ConsoleProgress($"Evaluating {key} pruning");
            EngineFactory.Get(model, EngineKind.Auto);
            long start = Stopwatch.GetTimestamp();
            PerplexityResult result = PerplexityEvaluator.Evaluate(model, TextCorpus.Read(data), window,
                cancellationToken: cancellationToken, progress: progress);
            measured[key] = result.Perplexity;
            speed[key] = (long)result.Windows * window / Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Perplexity of {measured["data"]} at "
            + $"{window}: {(double)measured["before"]!:F4} before, {(double)measured["after"]!:F4} after."));
        told["perplexity"] = measured;
        told["tokensPerSecond"] = speed;
    }

    private static PruningResult Prune(
        LanguageModel model, PruningMethod method, string? calibration, PruningContext context)
    {
        using var progress = new ConsoleProgress("Pruning");
        context = context with { Progress = new Progress<PruningProgress>(p => progress.Report(p.Fraction, p.Step)) };
        IEnumerable<string>? documents = calibration is null ? null : TextCorpus.Read(calibration);
        try
        {
            return Pruner.Prune(model, method, documents, context);
        }
        catch (OperationCanceledException e) when (Directory.Exists(context.ResumeFolder))
        {
            throw new StoppedException(
                $"Stopped; the same command with --resume goes on from '{context.ResumeFolder}'.", e);
        }
    }
}
