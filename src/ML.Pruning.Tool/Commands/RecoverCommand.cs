using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
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
        Option<string> method = new("--method")
        {
            Description = "lora (small updates); sparse (all weights; zeros stay); gmp (all weights while the sparsity "
                + "rises); or with masks that move: movement, soft-movement, regrowing, rigl, set, lottery, "
                + "edge-popup.",
            Required = true,
        };
        Option<string> train = new("--train")
        {
            Description = "Text to train on: .jsonl (field \"text\") or .txt; or pairs: .jsonl with \"prompt\" and "
                + "\"response\" (or \"instruction\", \"input\" and \"output\"), of which the answers are learned; for "
                + "a classifier texts with labels: .tsv with the columns \"sentence\" and \"label\". A part of it is "
                + "held out; what is best on that is kept.",
            Required = true,
        };
        Option<string?> report = new("--report")
        {
            Description = "Also write the report, loss curve included, to this file: as a page to look at if it ends "
                + "in .html, else as JSON.",
        };
        Option<bool> newHead = new("--new-head")
        {
            Description = "Put a new classification head on an encoder that has none, for the labels that the .tsv "
                + "file of --train names.",
        };
        Option<bool> compressed = new("--compressed")
        {
            Description = "A folder: store sparse weights as bitmask and values (compressed-tensors naming).",
        };
        Option<bool> force = CommonOptions.Force();
        Option<bool> json = CommonOptions.Json();
        var training = new TrainingArguments();
        var lora = new LoraArguments();
        var sparse = new SparseArguments();
        var command = new Command("recover", "Train a pruned model to win back what pruning cost; zeros stay zeros.")
        {
            model, output, method, train, newHead, report, compressed, force, json,
        };
        training.AddTo(command);
        lora.AddTo(command);
        sparse.AddTo(command);
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            var target = new ModelOutput(parse.GetRequiredValue(output), parse.GetValue(force));
            TrainingOptions Training(TrainingOptions defaults) => training.Parse(parse, defaults, target.ResumeFolder);
            string name = parse.GetRequiredValue(method);
            Recovery recovery = name == "lora" ? Lora(lora.Parse(parse, Training))
                : SparseArguments.Methods.Contains(name)
                    ? Sparse(sparse.Parse(parse, name, Training), sparse.Teacher(parse))
                    : throw new UserErrorException($"--method is \"{name}\"; supported: lora, "
                        + $"{string.Join(", ", SparseArguments.Methods)}.");
            string texts = parse.GetRequiredValue(train);
            using LanguageModel opened = parse.GetValue(newHead)
                ? OpenWithNewHead(parse.GetRequiredValue(model), texts, training.Seed(parse))
                : LanguageModelSource.Open(parse.GetRequiredValue(model));
            TrainingExamples examples = TrainingExamples.FromFile(
                texts, opened, training.SequenceLength(parse), cancellationToken);
            (LanguageModel trained, JsonObject told, string summary) =
                Train(recovery, opened, examples, target.ResumeFolder, cancellationToken);
            using (trained) target.Write(trained, parse.GetValue(compressed), cancellationToken);
            new TrainingOptions { CheckpointFolder = target.ResumeFolder }.DiscardState();
            if (parse.GetValue(report) is { } path) ReportFile.Write(path, told);
            if (parse.GetValue(json)) JsonOutput.Write(told);
            else Console.Error.WriteLine(summary);
        }));
        return command;
    }

    private static LanguageModel OpenWithNewHead(string path, string texts, int seed)
    {
        if (!LabeledText.IsFile(texts))
        {
            throw new UserErrorException($"--new-head reads the labels from --train, which is '{texts}'; give a .tsv "
                + "file with the columns \"sentence\" and \"label\".");
        }

        using LanguageModel model = LanguageModelSource.Open(path);
        return LanguageModelInitializer.AddClassifier(model, LabeledText.Labels(LabeledText.Read(texts)), seed);
    }

    /// <summary>A way to train: the model, its report, and a line about it.</summary>
    private delegate (LanguageModel Model, JsonObject Report, string Summary) Recovery(LanguageModel model,
        TrainingExamples examples, IProgress<TrainingProgress> progress, CancellationToken cancellationToken);

    private static Recovery Lora(LoraOptions options) => (model, examples, progress, cancellationToken) =>
    {
        TrainingResult result = LoraTrainer.Train(model, examples, options, cancellationToken, progress);
        return (result.Model, result.Report.ToJson(), Summary(result.Report));
    };

    private static Recovery Sparse(SparseFineTuneOptions options, string? teacherPath) =>
        (model, examples, progress, cancellationToken) =>
        {
            using LanguageModel? teacher = teacherPath is null ? null : LanguageModelSource.Open(teacherPath);
            SparseFineTuneResult result =
                SparseFineTuner.Train(model, examples, options, teacher, cancellationToken, progress);
            string sparsity = string.Create(CultureInfo.InvariantCulture,
                $"Sparsity of the {result.Report.Tensors.Count} pruned tensors: {result.Report.Sparsity:F4}");
            return (result.Model, result.Report.ToJson(), $"{sparsity}. {Summary(result.Report.Training)}");
        };

    private static (LanguageModel Model, JsonObject Report, string Summary) Train(
        Recovery recovery, LanguageModel model,
        TrainingExamples examples, string resumeFolder, CancellationToken cancellationToken)
    {
        using var progress = new TrainingConsole();
        try
        {
            return recovery(model, examples, progress, cancellationToken);
        }
        catch (OperationCanceledException e) when (Directory.Exists(resumeFolder))
        {
            throw new StoppedException($"Stopped; the same command with --resume goes on from '{resumeFolder}'.", e);
        }
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
            + (report.Rollbacks > 0 ? $"; went back {report.Rollbacks} times to a lower rate (loss too high)" : "");
        return $"{measured}; {report.TrainedParameters:N0} parameters trained{notes}.";
    }
}
