using ML.Pruning.Calibration;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>What may happen in a training run: stops, resumption, spikes, failed steps; properties by
/// definition.</summary>
[TestClass]
public class TrainingRunTests
{
    [TestMethod]
    [DataRow(13, DisplayName = "between two measurements")]
    [DataRow(20, DisplayName = "at a measurement and a checkpoint")]
    public void Train_StoppedAndResumed_HasTheBitsOfAnUnbrokenRun(int stop)
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TrainingOptions options = TinyTraining.Options(folder) with
        {
            CheckpointFolder = Path.Combine(folder.Path, "state"),
            CheckpointInterval = 10,
            AccumulationSteps = 2,
        };
        using LanguageModel unbroken = TinyTraining.Train(start, TinyTraining.Windows(), options);
        using var source = new CancellationTokenSource();
        var stopper = new Watcher(report => { if (report.Step == stop) source.Cancel(); });
        Assert.ThrowsExactly<OperationCanceledException>(() => TinyTraining.Train(
            start, TinyTraining.Windows(), options, source.Token, stopper));

        int? first = null;
        var watcher = new Watcher(report => first ??= report.Step);
        using LanguageModel resumed = TinyTraining.Train(
            start, TinyTraining.Windows(), options with { Resume = true }, progress: watcher);
        Assert.AreEqual(stop, first);
        Assert.AreEqual(unbroken.ContentHash, resumed.ContentHash);
        Assert.AreEqual(unbroken.Provenance[^1].Options.ToJsonString(), resumed.Provenance[^1].Options.ToJsonString());
        Assert.IsFalse(Directory.Exists(options.CheckpointFolder));
    }

    [TestMethod]
    public void Train_StateKept_GivesTheResultAgain()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TrainingOptions options = TinyTraining.Options(folder, 5) with
        {
            CheckpointFolder = Path.Combine(folder.Path, "state"),
            KeepState = true,
        };
        using LanguageModel trained = TinyTraining.Train(start, TinyTraining.Windows(), options);
        var steps = new List<int>();
        using LanguageModel again = TinyTraining.Train(start, TinyTraining.Windows(), options with { Resume = true },
            progress: new Watcher(report => steps.Add(report.Step)));
        CollectionAssert.AreEqual(new[] { 5 }, steps);
        Assert.AreEqual(trained.ContentHash, again.ContentHash);
        options.DiscardState();
        Assert.IsFalse(Directory.Exists(options.CheckpointFolder));
    }

    [TestMethod]
    public void Train_ResumedWithOtherOptions_IsRefusedByName()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TrainingOptions options = TinyTraining.Options(folder) with { CheckpointFolder = folder.Path };
        using var source = new CancellationTokenSource();
        var stopper = new Watcher(report => { if (report.Step == 3) source.Cancel(); });
        Assert.ThrowsExactly<OperationCanceledException>(() => TinyTraining.Train(
            start, TinyTraining.Windows(), options, source.Token, stopper));
        var error = Assert.ThrowsExactly<ArgumentException>(() => TinyTraining.Train(
            start, TinyTraining.Windows(), options with { Resume = true, LearningRate = 0.5 }));
        StringAssert.Contains(error.Message, "another run (learningRate was 0.01 and is 0.5)");
    }

    [TestMethod]
    public void Train_AccumulatedBatches_MoveLikeOneBatch()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TrainingOptions options = TinyTraining.Options(folder, 3) with { ValidationExamples = 0 };
        using LanguageModel whole = TinyTraining.Train(start, TinyTraining.Windows(), options with { BatchSize = 12 });
        using LanguageModel parts = TinyTraining.Train(
            start, TinyTraining.Windows(), options with { BatchSize = 3, AccumulationSteps = 4 });

        // The first steps of AdamW move each weight by about the rate; rounding shows where gradients almost vanish.
        foreach (string name in whole.Weights.Keys)
        {
            float[] a = whole.Weights[name].ToArray(), b = parts.Weights[name].ToArray();
            double difference = a.Zip(b).Average(v => Math.Abs(v.First - v.Second));
            Assert.IsLessThan(1e-5, difference, name);
        }
    }

    [TestMethod]
    public void Train_NothingGetsBetter_StopsEarly()
    {
        using var folder = new TestFolder();
        using LanguageModel start = Trained(folder);
        TrainingOptions options = TinyTraining.Options(folder, 30) with
        {
            LearningRate = 1e3, // too high even after three roll-backs
            WarmupSteps = 0,
            ValidationInterval = 1,
            EarlyStoppingPatience = 3,
        };
        TrainingResult result = LanguageModelTrainer.Train(start, TinyTraining.Windows(), options);
        using LanguageModel trained = result.Model;
        Assert.AreEqual(3, result.Report.StepsDone);
        Assert.AreEqual(0, result.Report.BestStep);
        Assert.AreEqual("3 measurements without a new best", result.Report.WhyStopped);
        Assert.HasCount(4, result.Report.Curve);
    }

    [TestMethod]
    public void Train_RateTooHighForATrainedModel_GoesBackToTheStartUntilItHelps()
    {
        using var folder = new TestFolder();
        TrainingOptions options = TinyTraining.Options(folder, 60);
        using LanguageModel start = Trained(folder);
        options = options with { LearningRate = 1, WarmupSteps = 0, ValidationInterval = 5, SpikeDeviations = null };
        TrainingResult result = LanguageModelTrainer.Train(start, TinyTraining.Windows(), options);
        using LanguageModel trained = result.Model;
        TrainingPoint[] measured = [.. result.Report.Curve.Where(p => p.ValidationLoss is not null)];
        int harmful = measured.Skip(1).TakeWhile(p => p.ValidationLoss > result.Report.InitialLoss * 1.01).Count();
        Assert.IsGreaterThan(0, harmful);
        Assert.AreEqual(harmful, result.Report.Rollbacks);
        Assert.IsLessThan(result.Report.InitialLoss!.Value, result.Report.BestLoss!.Value);

        // A quarter of the rate each time: the first step after a measurement that did harm, against the options.
        for (int i = 1; i <= harmful; i++)
        {
            TrainingPoint next = result.Report.Curve.First(p => p.Step == measured[i].Step + 1);
            Assert.AreEqual(Math.Pow(0.25, i), next.LearningRate / options.LearningRateAt(measured[i].Step), 1e-9);
        }
    }

    [TestMethod]
    public void Run_NonFiniteLosses_AreSkippedCountedAndGoneBackFrom()
    {
        (TrainingReport report, float[] first, float[] last) = RunWith(
            (step, loss) => step is >= 5 and < 15 ? loss.mul(double.NaN) : loss, steps: 20);
        Assert.AreEqual(10, report.SkippedSteps);
        Assert.AreEqual(1, report.Rollbacks); // after eight in a row
        Assert.AreEqual(20, report.StepsDone);
        Assert.IsTrue(last.All(float.IsFinite));
        Assert.IsFalse(first.SequenceEqual(last));
    }

    [TestMethod]
    public void Run_OnlyNonFiniteLosses_FailsAndSaysSo()
    {
        var error = Assert.ThrowsExactly<TrainingException>(
            () => RunWith((_, loss) => loss.mul(double.NaN), steps: 200));
        StringAssert.Contains(error.Message, "training does not get anywhere: the loss or gradient was not finite");
    }

    [TestMethod]
    public void Run_LossSpike_GoesBackAndHalvesTheRate()
    {
        var rates = new List<double>();
        (TrainingReport report, _, _) = RunWith(
            (step, loss) => step is >= 40 and < 43 ? loss.add(20) : loss, steps: 60, rates);
        Assert.AreEqual(1, report.Rollbacks);
        Assert.AreEqual(0, report.SkippedSteps);
        Assert.AreEqual(0.01, rates[42], 1e-12);
        Assert.AreEqual(0.005, rates[43], 1e-12);
    }

    [TestMethod]
    public void Add_OneOddBatch_IsNoSpike()
    {
        var monitor = new LossMonitor();
        for (int i = 0; i < 20; i++) Assert.IsFalse(monitor.Add(2 + i % 3 * 0.01, 6));
        Assert.IsFalse(monitor.Add(9, 6));
        Assert.IsFalse(monitor.Add(2, 6));
        Assert.IsFalse(monitor.Add(9, 6));
        Assert.IsFalse(monitor.Add(9, 6));
        Assert.IsTrue(monitor.Add(9, 6));
        Assert.IsFalse(monitor.Add(9, null));
    }

    [TestMethod]
    public void Train_InBFloat16_LearnsAndKeepsFloat32Weights()
    {
        using var folder = new TestFolder();
        using LanguageModel start = TinyTraining.Model();
        TrainingOptions options = TinyTraining.Options(folder, 60) with { Precision = ComputePrecision.BFloat16 };
        TrainingResult result = LanguageModelTrainer.Train(start, TinyTraining.Windows(), options);
        using LanguageModel trained = result.Model;
        Assert.IsLessThan(2.5, result.Report.BestLoss!.Value);

        // Weights are not rounded to bfloat16: their low bits are in use.
        float[] values = trained.Weights["layers.0.mlp.up_proj.weight"].ToArray();
        Assert.IsTrue(values.Any(v => (BitConverter.SingleToUInt32Bits(v) & 0xFFFF) != 0));
    }

    private static LanguageModel Trained(TestFolder folder)
    {
        using LanguageModel random = TinyTraining.Model();
        return TinyTraining.Train(random, TinyTraining.Windows(), TinyTraining.Options(folder, 60));
    }

    private static (TrainingReport Report, float[] First, float[] Last) RunWith(
        Func<int, Tensor, Tensor> change, int steps, List<double>? rates = null)
    {
        using LanguageModel start = TinyTraining.Model();
        using TorchDecoder decoder = TorchDecoder.Load(start);
        TrainingOptions options = new TrainingOptions
        {
            Steps = steps,
            LearningRate = 0.01,
            WarmupSteps = 0,
            Decay = LearningRateDecay.Constant,
            ValidationExamples = 0,
            ValidationInterval = 5,
        }.Resolve(60, hiddenSize: 16);
        var objective = new ChangedObjective(decoder, change);
        using var loop = new TrainingLoop(
            decoder, decoder.named_parameters(), TrainingExamples.FromWindows(TinyTraining.Windows()), options)
        {
            Objective = objective,
        };
        var watcher = new Watcher(report => { if (report.Step > 0) rates?.Add(report.LearningRate); });
        TrainingOutcome outcome = loop.Run(watcher, CancellationToken.None);
        return (outcome.Report, start.Weights[TensorNames.Embedding].ToArray(), outcome.Values[0]);
    }

    private sealed class ChangedObjective(TorchDecoder decoder, Func<int, Tensor, Tensor> change) : TrainingObjective
    {
        private readonly NextTokenObjective _objective = new(decoder);
        private int _step;

        public override Tensor Loss(TrainingBatch batch) => change(_step++, _objective.Loss(batch));
    }

    private sealed class Watcher(Action<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told(value);
    }
}
