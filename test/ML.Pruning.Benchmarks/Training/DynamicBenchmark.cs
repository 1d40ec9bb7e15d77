using System.Diagnostics;
using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>Masks that move against masks that stay, at equal numbers of steps.</summary>
internal sealed class DynamicBenchmark : Benchmark
{
    private const int FullSteps = 100;
    private const int BatchSize = 4;
    private const int CalibrationWindows = 64;
    private static readonly double[] s_sparsities = [0.8, 0.9];

    public override string Group => "training";

    public override string Name => "dynamic";

    public override string Description => $"stories260K trained to 80 and 90 % zeros in {FullSteps} steps of "
        + $"{BatchSize} windows by each way that moves masks, and after one-shot pruning; perplexity on the held-out text "
        + $"at {RecoveryMeasures.WindowLength}";

    public override string? WhyNot(BenchmarkSettings settings) =>
        Directory.Exists(settings.Model("stories260K")) ? null : "the model and its texts are not there";

    public override IEnumerable<object> Run(BenchmarkSettings settings)
    {
        using LanguageModel dense = HuggingFaceModel.Open(settings.Model("stories260K"));
        TokenWindows train = RecoveryMeasures.Windows(dense, settings.Data("stories.train.jsonl"));
        TokenWindows test = RecoveryMeasures.Windows(dense, settings.Data("stories.valid.jsonl"));
        int steps = settings.Scaled(FullSteps, least: 10);
        double denseLoss = RecoveryMeasures.Loss(dense, test);
        yield return new RecoveryResult("stories260K", "none", 0, "dense", 0, dense.Spec.ParameterCount, Math.Exp(denseLoss),
            null, 0, 0, 0);
        foreach (double sparsity in s_sparsities)
        {
            foreach ((string name, SparseFineTuneOptions options) in Ways(sparsity))
            {
                var clock = Stopwatch.StartNew();
                SparseFineTuneResult result = SparseFineTuner.Train(dense, TrainingExamples.FromWindows(train),
                    options with { Training = options.Training with { Steps = steps, BatchSize = BatchSize } });
                double seconds = clock.Elapsed.TotalSeconds;
                using LanguageModel trained = result.Model;
                double loss = RecoveryMeasures.Loss(trained, test);
                TrainingReport report = result.Report.Training;
                yield return new RecoveryResult("stories260K", name, sparsity, "trained",
                    RecoveryMeasures.Sparsity(trained), trained.Spec.ParameterCount, Math.Exp(loss), null,
                    report.StepsDone, report.BestStep, seconds);
            }
        }
    }

    private static IEnumerable<(string Name, SparseFineTuneOptions Options)> Ways(double sparsity)
    {
        var magnitude = new Magnitude { Sparsity = sparsity };
        var erk = new Magnitude { Sparsity = sparsity, Allocation = new ErkAllocation() };
        var sparseGpt = new SparseGpt
        {
            Sparsity = sparsity,
            Calibration = new() { Samples = CalibrationWindows, Order = CalibrationOrder.Sequential },
        };
        var cubic = new SparsitySchedule();
        yield return ("magnitude, then sparse", new() { Pruning = magnitude });
        yield return ("SparseGPT, then sparse", new() { Pruning = sparseGpt });
        yield return ("gradual magnitude", new() { Pruning = magnitude, Schedule = cubic });
        yield return ("regrowing", new() { Pruning = magnitude, Schedule = cubic, Dynamics = new Regrowing() });
        yield return ("RigL", new() { Pruning = magnitude, Dynamics = new RigL() });
        yield return ("RigL, ERK", new() { Pruning = erk, Dynamics = new RigL() });
        yield return ("SET", new() { Pruning = magnitude, Dynamics = new SparseEvolution() });
        yield return ("lottery ticket", new() { Pruning = magnitude, Dynamics = new LotteryTicket { Rounds = 3 } });
        yield return ("movement", new() { Pruning = magnitude, Schedule = cubic, Dynamics = new MovementPruning() });
        yield return ("edge-popup", new() { Pruning = magnitude, Dynamics = new EdgePopup() });
    }
}
