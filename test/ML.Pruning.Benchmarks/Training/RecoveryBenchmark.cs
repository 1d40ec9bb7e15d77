using System.Diagnostics;
using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>How much of what pruning costs comes back: one-shot, LoRA, and training of all weights, which keeps zeros,
/// without and with SquareHead.</summary>
/// <param name="model">The model, by the name of its folder.</param>
/// <param name="text">The text it learned from, by the start of its files' names.</param>
/// <param name="steps">Steps of the full benchmark.</param>
/// <param name="batchSize">Windows of a step.</param>
internal sealed class RecoveryBenchmark(string model, string text, int steps, int batchSize) : Benchmark
{
    private const int CalibrationWindows = 64;
    private const string Lora = "LoRA", AllWeights = "all weights", SquareHead = "all weights + SquareHead";

    public override string Group => "training";

    public override string Name => $"recovery-{text}";

    public override string Description => $"{model} pruned by SparseGPT and LLM-Pruner "
        + $"({CalibrationWindows} windows of {RecoveryMeasures.WindowLength} tokens) and trained on its own text "
        + $"in {steps} steps of {batchSize}, "
        + $"perplexity on the held-out text at {RecoveryMeasures.WindowLength}";

    public override string? WhyNot(BenchmarkSettings settings) =>
        Directory.Exists(settings.Model(model)) ? null : "the model and its texts are not there";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        int scaledSteps = settings.Scaled(steps);
        using LanguageModel dense = HuggingFaceModel.Open(settings.Model(model));
        TokenWindows train = RecoveryMeasures.Windows(dense, settings.Data($"{text}.train.jsonl"));
        TokenWindows test = RecoveryMeasures.Windows(dense, settings.Data($"{text}.valid.jsonl"));
        double denseLoss = RecoveryMeasures.Loss(dense, test);
        yield return new RecoveryResult(model, "none", 0, "dense", 0, dense.Spec.ParameterCount,
            Math.Exp(denseLoss), null, 0, 0, 0);
        foreach ((double asked, PruningMethod method) in Methods())
        {
            var clock = Stopwatch.StartNew();
            PruningResult result = Pruner.PruneWithWindows(dense, method, train.Take(CalibrationWindows));
            double seconds = clock.Elapsed.TotalSeconds;
            using LanguageModel pruned = result.Model;
            double prunedLoss = RecoveryMeasures.Loss(pruned, test);
            RecoveryResult Result(LanguageModel of, string treatment, double loss, double? back) => new(model,
                method.Name, asked, treatment, RecoveryMeasures.Sparsity(of), of.Spec.ParameterCount, Math.Exp(loss),
                back, 0, 0, seconds);
            yield return Result(pruned, "one-shot", prunedLoss, null);
            foreach (string treatment in Treatments(pruned))
            {
                clock.Restart();
                (LanguageModel recovered, TrainingReport report) = Train(pruned, dense, treatment, scaledSteps, train);
                seconds = clock.Elapsed.TotalSeconds;
                using LanguageModel trained = recovered;
                double loss = RecoveryMeasures.Loss(trained, test);
                yield return Result(trained, treatment, loss, (prunedLoss - loss) / (prunedLoss - denseLoss)) with
                {
                    Steps = report.StepsDone,
                    BestStep = report.BestStep,
                };
            }
        }
    }

    private static IEnumerable<(double Asked, PruningMethod Method)> Methods()
    {
        foreach (double sparsity in (double[])[0.5, 0.7, 0.8, 0.9])
            yield return (sparsity, new SparseGpt { Sparsity = sparsity });
        foreach (double ratio in (double[])[0.25, 0.5]) yield return (ratio, new LlmPruner { Ratio = ratio });
    }

    // SquareHead compares hidden states, and a smaller model has no zeros to keep.
    private static string[] Treatments(LanguageModel pruned) =>
        pruned.MaskedTensors.Count > 0 ? [Lora, AllWeights, SquareHead] : [Lora, AllWeights];

    private (LanguageModel Model, TrainingReport Report) Train(
        LanguageModel pruned, LanguageModel dense, string treatment, int scaledSteps, TokenWindows train)
    {
        TrainingExamples examples = TrainingExamples.FromWindows(train);
        TrainingOptions Training(TrainingOptions defaults) =>
            defaults with { Steps = scaledSteps, BatchSize = batchSize };
        if (treatment == Lora)
        {
            var lora = new LoraOptions();
            TrainingResult adapted =
                LoraTrainer.Train(pruned, examples, lora with { Training = Training(lora.Training) });
            return (adapted.Model, adapted.Report);
        }

        var options = new SparseFineTuneOptions();
        options = options with { Training = Training(options.Training) };
        if (pruned.MaskedTensors.Count == 0)
        {
            TrainingResult trained = LanguageModelTrainer.Train(pruned, examples, options.Training);
            return (trained.Model, trained.Report);
        }

        SparseFineTuneResult result = SparseFineTuner.Train(
            pruned, examples, options, treatment == SquareHead ? dense : null);
        return (result.Model, result.Report.Training);
    }
}
