using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune recover</c>: trains a pruned model so that it gets back what pruning took.</summary>
internal static class RecoverCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> output = CommonOptions.Output();
        Option<string> method = new("--method") { Description = "lora.", Required = true };
        Option<string> train = new("--train")
        {
            Description = "Text to train on: .jsonl (field \"text\") or .txt; or pairs: .jsonl with \"prompt\" and "
                + "\"response\" (or \"instruction\", \"input\" and \"output\"), of which the answers are learned. A part "
                + "of it is held out; what is best on that is kept.",
            Required = true,
        };
        Option<string?> report = new("--report")
        {
            Description = "Also write the report, loss curve included, as JSON to this file.",
        };
        Option<bool> compressed = new("--compressed")
        {
            Description = "A folder: store sparse weights as bitmask and values (compressed-tensors naming).",
        };
        Option<bool> force = CommonOptions.Force();
        Option<bool> json = CommonOptions.Json();
        var training = new TrainingArguments();
        var lora = new LoraArguments();
        var command = new Command("recover", "Train a pruned model to win back what pruning cost; zeros stay zeros.")
        {
            model, output, method, train, report, compressed, force, json,
        };
        training.AddTo(command);
        lora.AddTo(command);
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            string name = parse.GetRequiredValue(method);
            if (name != "lora") throw new UserErrorException($"--method is \"{name}\"; supported: lora.");
            var target = new ModelOutput(parse.GetRequiredValue(output), parse.GetValue(force));
            LoraOptions options = lora.Parse(parse, defaults => training.Parse(parse, defaults, target.ResumeFolder));
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            TrainingExamples examples = TrainingExamples.FromFile(
                parse.GetRequiredValue(train), opened, training.SequenceLength(parse), cancellationToken);
            TrainingResult result = Train(target.ResumeFolder, (token, progress) =>
                LoraTrainer.Train(opened, examples, options, token, progress), cancellationToken);
            using LanguageModel trained = result.Model;
            target.Write(trained, parse.GetValue(compressed), cancellationToken);
            Report(result, parse.GetValue(report), parse.GetValue(json));
        }));
        return command;
    }

    private static TrainingResult Train(string resumeFolder,
        Func<CancellationToken, IProgress<TrainingProgress>, TrainingResult> train, CancellationToken cancellationToken)
    {
        using var progress = new TrainingConsole();
        try
        {
            return train(cancellationToken, progress);
        }
        catch (OperationCanceledException e) when (Directory.Exists(resumeFolder))
        {
            throw new StoppedException($"Stopped; the same command with --resume goes on from '{resumeFolder}'.", e);
        }
    }

    private static void Report(TrainingResult result, string? path, bool json)
    {
        JsonObject report = result.Report.ToJson();
        if (path is not null) AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(report.ToString()));
        if (json) JsonOutput.Write(report);
        else Console.Error.WriteLine(Summary(result.Report));
    }

    private static string Summary(TrainingReport report)
    {
        string measured = report.InitialLoss is { } initial && report.BestLoss is { } best
            ? string.Create(CultureInfo.InvariantCulture,
                $"Held-out loss {initial:F4} -> {best:F4} (perplexity {Math.Exp(initial):F3} -> {Math.Exp(best):F3}), "
                + $"best after {report.BestStep} of {report.StepsDone} steps")
            : $"{report.StepsDone} steps";
        string notes = (report.BestStep == 0 ? "; no step made the model better, so it is as it was" : "")
            + (report.WhyStopped is { } why ? $"; stopped early: {why}" : "")
            + (report.SkippedSteps > 0 ? $"; {report.SkippedSteps} steps skipped (not finite)" : "")
            + (report.Rollbacks > 0 ? $"; went back {report.Rollbacks} times (loss too high)" : "");
        return $"{measured}; {report.TrainedParameters:N0} parameters trained{notes}.";
    }
}
