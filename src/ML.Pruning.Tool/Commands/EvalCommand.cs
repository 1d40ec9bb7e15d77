using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune eval</c>: perplexity on a text file, or accuracy on texts with labels.</summary>
internal static class EvalCommand
{
    private const string Task = "Evaluating";

    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> data = new("--data")
        {
            Description = "Text: .jsonl (field \"text\") or .txt; for a classifier texts with labels: .tsv with the "
                + "columns \"sentence\" (or \"text\") and \"label\".",
            Required = true,
        };
        Option<int?> length = new("--sequence-length")
        {
            Description = "Tokens in a window, from 2 to the model's context (default: the context).",
        };
        Option<string?> engine = CommonOptions.Engine();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("eval", "Measure the perplexity of a model, or the accuracy of a classifier.")
        {
            model, data, length, engine, json,
        };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            string path = parse.GetRequiredValue(data);
            EngineKind kind = CommonOptions.ParseEngine(parse.GetValue(engine));
            JsonObject result = opened.Spec.Encoder is { IsClassifier: true }
                ? Accuracy(opened, path, kind, parse.GetValue(json), cancellationToken)
                : Perplexity(opened, path, parse.GetValue(length) ?? opened.Spec.ContextLength, kind,
                    parse.GetValue(json), cancellationToken);
            if (parse.GetValue(json)) JsonOutput.Write(result);
        }));
        return command;
    }

    private static JsonObject Perplexity(LanguageModel model, string path, int length, EngineKind engine,
        bool isQuiet, CancellationToken cancellationToken)
    {
        PerplexityResult result;
        using (var progress = new ConsoleProgress(Task))
        {
            result = PerplexityEvaluator.Evaluate(
                model, TextCorpus.Read(path), length, engine, cancellationToken, progress);
        }

        if (!isQuiet) Print(result);
        return result.ToJson();
    }

    private static JsonObject Accuracy(LanguageModel model, string path, EngineKind engine, bool isQuiet,
        CancellationToken cancellationToken)
    {
        if (!LabeledText.IsFile(path))
            throw new UserErrorException($"--data is '{path}'; a classifier is measured on a .tsv file with labels.");
        AccuracyResult result;
        using (var progress = new ConsoleProgress(Task))
            result = AccuracyEvaluator.Evaluate(model, LabeledText.Read(path), engine, cancellationToken, progress);

        if (!isQuiet)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"accuracy {result.Accuracy:F4} (mean cross-entropy {result.MeanCrossEntropy:F6})"));
            Console.Out.WriteLine($"{result.Texts:N0} texts, {result.TruncatedTexts:N0} cut at the context; engine "
                + result.Engine);
        }

        return result.ToJson();
    }

    private static void Print(PerplexityResult result)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"perplexity {result.Perplexity:F4} (mean negative log-likelihood {result.MeanNegativeLogLikelihood:F6})"));
        Console.Out.WriteLine($"{result.Tokens:N0} tokens, {result.Windows:N0} windows of {result.SequenceLength} "
            + $"without overlap, the last partial one dropped; engine {result.Engine}");
    }
}
