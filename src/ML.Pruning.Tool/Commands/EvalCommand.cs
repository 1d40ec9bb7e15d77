using System.CommandLine;
using System.Globalization;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune eval</c>: perplexity on a text file.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> data = new("--data") { Description = "Text: .jsonl (field \"text\") or .txt.", Required = true };
        Option<int?> length = new("--sequence-length")
        {
            Description = "Tokens in a window, from 2 to the model's context (default: the context).",
        };
        Option<string?> engine = CommonOptions.Engine();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("eval", "Measure the perplexity of a model on a text file.")
        {
            model, data, length, engine, json,
        };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            using var progress = new ConsoleProgress("Evaluating");
            PerplexityResult result = PerplexityEvaluator.Evaluate(opened,
                TextCorpus.Read(parse.GetRequiredValue(data)), parse.GetValue(length) ?? opened.Spec.ContextLength,
                CommonOptions.ParseEngine(parse.GetValue(engine)), cancellationToken, progress);
            if (parse.GetValue(json)) JsonOutput.Write(result.ToJson());
            else Print(result);
        }));
        return command;
    }

    private static void Print(PerplexityResult result)
    {
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"perplexity {result.Perplexity:F4} (mean negative log-likelihood {result.MeanNegativeLogLikelihood:F6})"));
        Console.Out.WriteLine($"{result.Tokens:N0} tokens, {result.Windows:N0} windows of {result.SequenceLength} without "
            + $"overlap, the last partial one dropped; engine {result.Engine}");
    }
}
