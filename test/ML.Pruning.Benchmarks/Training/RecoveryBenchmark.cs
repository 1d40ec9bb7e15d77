using System.Diagnostics;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>How much of what pruning costs comes back: one-shot, LoRA, sparse fine-tuning without and with
/// SquareHead.</summary>
internal sealed class RecoveryBenchmark : Benchmark
{
    private const int WindowLength = 256;
    private const int CalibrationWindows = 64;
    private static readonly double[] s_sparsities = [0.5, 0.7, 0.8, 0.9];

    public override string Group => "training";

    public override string Name => "recovery";

    public override string Description => $"stories260K and docs-6m pruned by SparseGPT ({CalibrationWindows} windows of "
        + $"{WindowLength} tokens) and trained on their own text, perplexity on the held-out text at {WindowLength}";

    public override string? WhyNot(BenchmarkSettings settings) =>
        Directory.Exists(settings.Model("stories260K")) ? null : "the models and texts are not there";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        Case[] cases =
        [
            new("stories260K", "stories", Steps(300, settings), BatchSize: 8),
            new("docs-6m", "docs", Steps(120, settings), BatchSize: 4),
        ];
        return cases.SelectMany(c => Run(c, settings));
    }

    private static int Steps(int full, BenchmarkSettings settings) =>
        Math.Max(1, (int)Math.Round(full * settings.Scale));

    private static IEnumerable<RecoveryResult> Run(Case run, BenchmarkSettings settings)
    {
        using LanguageModel dense = HuggingFaceModel.Open(settings.Model(run.Model));
        TokenWindows train = RecoveryMeasures.Windows(dense, settings.Data($"{run.Text}.train.jsonl"));
        TokenWindows test = RecoveryMeasures.Windows(dense, settings.Data($"{run.Text}.valid.jsonl"));
        double denseLoss = RecoveryMeasures.Loss(dense, test);
        yield return new RecoveryResult(run.Model, 0, "dense", 0, Math.Exp(denseLoss), null, 0, 0, 0);
        foreach (double sparsity in s_sparsities)
        {
            var clock = Stopwatch.StartNew();
            PruningResult result = Pruner.PruneWithWindows(
                dense, new SparseGpt { Sparsity = sparsity }, train.Take(CalibrationWindows));
            double seconds = clock.Elapsed.TotalSeconds;
            using LanguageModel pruned = result.Model;
            double prunedLoss = RecoveryMeasures.Loss(pruned, test);
            yield return new RecoveryResult(run.Model, sparsity, "one-shot", result.Report.Sparsity,
                Math.Exp(prunedLoss), null, 0, 0, seconds);
            foreach (string treatment in (string[])["LoRA", "sparse", "sparse + SquareHead"])
            {
                clock.Restart();
                (LanguageModel model, TrainingReport report) = Train(pruned, dense, treatment, run, train);
                seconds = clock.Elapsed.TotalSeconds;
                using LanguageModel trained = model;
                double loss = RecoveryMeasures.Loss(trained, test);
                yield return new RecoveryResult(run.Model, sparsity, treatment, RecoveryMeasures.Sparsity(trained),
                    Math.Exp(loss),
                    (prunedLoss - loss) / (prunedLoss - denseLoss), report.StepsDone, report.BestStep, seconds);
            }
        }
    }

    private static (LanguageModel Model, TrainingReport Report) Train(
        LanguageModel pruned, LanguageModel dense, string treatment, Case run, TokenWindows train)
    {
        TrainingExamples examples = TrainingExamples.FromWindows(train);
        if (treatment == "LoRA")
        {
            var lora = new LoraOptions();
            TrainingResult adapted = LoraTrainer.Train(pruned, examples, lora with
            {
                Training = lora.Training with { Steps = run.Steps, BatchSize = run.BatchSize },
            });
            return (adapted.Model, adapted.Report);
        }

        var options = new SparseFineTuneOptions();
        options = options with { Training = options.Training with { Steps = run.Steps, BatchSize = run.BatchSize } };
        SparseFineTuneResult result = SparseFineTuner.Train(
            pruned, examples, options, treatment == "sparse" ? null : dense);
        return (result.Model, result.Report.Training);
    }

    private sealed record Case(string Model, string Text, int Steps, int BatchSize);
}
