using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.Pruning;

namespace ML.Pruning.Tests.Recovery;

/// <summary>Sparse fine-tuning keeps zeros, follows schedules, and survives stops and spikes; properties by
/// definition.</summary>
[TestClass]
public class SparseFineTunerTests
{
    [TestMethod]
    [DataRow(TensorType.F32)]
    [DataRow(TensorType.F16)]
    public void Train_MaskedModel_KeepsEveryZeroThroughTrainingSaveAndLoad(TensorType type)
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model(type);
        using LanguageModel pruned = Pruner.Prune(
            dense, new Magnitude { Sparsity = 0.7 }, context: PrunedModels.In(folder)).Model;
        SparseFineTuneResult result = Train(pruned, Options(folder));
        using LanguageModel trained = result.Model;
        Assert.IsGreaterThan(0, result.Report.Training.BestStep);
        string output = Path.Combine(folder.Path, "saved");
        HuggingFaceModel.Save(trained, output);
        using LanguageModel loaded = HuggingFaceModel.Open(output);
        foreach (ParameterSpec linear in PrunedModels.Linears(pruned.Spec))
        {
            float[] before = pruned.Weights[linear.Name].ToArray(), after = loaded.Weights[linear.Name].ToArray();
            for (int i = 0; i < before.Length; i++)
                if (before[i] == 0) Assert.AreEqual(0f, after[i], $"{linear.Name} {i}");
            Assert.IsFalse(before.SequenceEqual(after), linear.Name);
        }

        CollectionAssert.AreEquivalent(pruned.MaskedTensors.ToArray(), loaded.MaskedTensors.ToArray());
        AssertSparsityIsTheFiles(result, loaded);
        Assert.AreEqual("sparse", loaded.Provenance[^1].Method);
    }

    [TestMethod]
    public void Train_OneShotMethod_PrunesFirstAndRecords()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        var wanda = new Wanda { Sparsity = 0.5, Calibration = new() { Samples = 8, SequenceLength = 16 } };
        SparseFineTuneResult result = Train(dense, Options(folder) with { Pruning = wanda });
        using LanguageModel trained = result.Model;
        Assert.AreEqual(0.5, result.Report.Pruning!.Sparsity, 1e-3);
        Assert.IsGreaterThanOrEqualTo(result.Report.Pruning.Sparsity, result.Report.Sparsity);
        CollectionAssert.AreEqual(new[] { "initialize", "prune", "recover" },
            trained.Provenance.Select(p => p.Stage).ToArray());
        AssertSparsityIsTheFiles(result, trained);
    }

    [TestMethod]
    [DataRow("linear")]
    [DataRow("cubic")]
    [DataRow("exponential")]
    [DataRow("exponential:4")]
    public void Train_Schedule_FollowsTheClosedFormAndEndsExactly(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions options = Options(folder) with
        {
            Pruning = new Magnitude { Sparsity = 0.9 },
            Schedule = SparsitySchedule.Parse(name),
            MaskInterval = 1,
        };
        var seen = new List<TrainingProgress>();
        SparseFineTuneResult result = Train(dense, options, progress: new Recorder(seen));
        using LanguageModel trained = result.Model;

        // The sparsity after step s is that chosen before it. Each matrix rounds down to whole weights.
        double smallest = result.Report.Tensors.Min(t => t.Elements);
        foreach (TrainingProgress report in seen.Skip(1))
        {
            double expected = options.Schedule.SparsityAt((report.Step - 1) / 39.0, 0, 0.9);
            Assert.AreEqual(expected, report.Sparsity!.Value, 1 / smallest, $"{report.Step}");
        }

        foreach (TensorReport tensor in result.Report.Tensors)
            Assert.IsGreaterThanOrEqualTo((long)(tensor.Elements * 0.9), tensor.ZerosAfter, tensor.Name);
        Assert.AreEqual(0.9, result.Report.Sparsity, 1 / smallest);
        AssertSparsityIsTheFiles(result, trained);

        // Only weights at the last sparsity may be kept.
        int first = seen.First(r => r.Sparsity >= 0.9 - 1 / smallest).Step;
        Assert.IsGreaterThanOrEqualTo(first, result.Report.Training.BestStep);
        Assert.HasCount(14, trained.MaskedTensors);
    }

    [TestMethod]
    public void Train_ScheduleStoppedAndResumed_HasTheBitsOfAnUnbrokenRun()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions options = Options(folder) with
        {
            Pruning = new Magnitude { Sparsity = 0.8 },
            Schedule = new SparsitySchedule { RampFraction = 0.5 },
            MaskInterval = 3,
        };
        options = options with
        {
            Training = options.Training with { CheckpointFolder = Path.Combine(folder.Path, "state") },
        };
        using LanguageModel unbroken = Train(dense, options).Model;
        foreach (int stop in new[] { 11, 33 })
        {
            using var source = new CancellationTokenSource();
            Assert.ThrowsExactly<OperationCanceledException>(() => SparseFineTuner.Train(dense, Examples(), options,
                cancellationToken: source.Token,
                progress: new Recorder([]) { Told = r => { if (r.Step == stop) source.Cancel(); } }));
            using LanguageModel resumed = Train(
                dense, options with { Training = options.Training with { Resume = true } }).Model;
            Assert.AreEqual(unbroken.ContentHash, resumed.ContentHash, $"{stop}");
        }
    }

    [TestMethod]
    public void Train_RateFarTooHigh_ReportsRollBacksAndNoNaN()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        using LanguageModel learned = TinyTraining.Train(
            dense, TinyTraining.Windows(), TinyTraining.Options(folder, 100));
        SparseFineTuneOptions options = Options(folder) with
        {
            Pruning = new Magnitude { Sparsity = 0.5 },
        };
        options = options with
        {
            Training = options.Training with
            {
                Steps = 120,
                LearningRate = 30,
                WarmupSteps = 60,
                MaxGradientNorm = null,
            },
        };
        SparseFineTuneResult result = Train(learned, options);
        using LanguageModel trained = result.Model;
        Assert.IsGreaterThan(0, result.Report.Training.Rollbacks);
        foreach (StoredTensor weight in trained.Weights.Values)
            Assert.IsTrue(weight.ToArray().All(float.IsFinite), weight.Name);
        Assert.IsLessThanOrEqualTo(result.Report.Training.InitialLoss!.Value, result.Report.Training.BestLoss!.Value);
        AssertSparsityIsTheFiles(result, trained);
    }

    [TestMethod]
    public void Train_ModelWithoutNotes_KeepsTheZerosOfSparseMatrices()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        using LanguageModel pruned = Pruner.Prune(
            dense, new Magnitude { Sparsity = 0.5 }, context: PrunedModels.In(folder)).Model;
        using var foreign = new LanguageModel(pruned.ToContent() with { MaskedTensors = new HashSet<string>() });
        SparseFineTuneResult result = Train(foreign, Options(folder, steps: 2));
        using LanguageModel trained = result.Model;
        Assert.HasCount(14, trained.MaskedTensors);
        Assert.IsGreaterThan(0.49, result.Report.Sparsity);
    }

    [TestMethod]
    public void Train_OptionsThatDoNotFit_AreRefused()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions options = Options(folder);
        SparseFineTuneOptions gradual = options with { Schedule = new SparsitySchedule() };
        Expect(options, "no zeros to keep: prune it first, or give a pruning method");
        Expect(gradual, "schedule cubic needs a pruning method that says what goes");
        Expect(gradual with { Pruning = new Wanda() }, "such as magnitude, not wanda");
        Expect(gradual with { Pruning = new Magnitude { Pattern = new NofMPattern(2, 4) } }, "has no use for 2:4");
        Expect(gradual with { Pruning = new Magnitude { Group = ComparisonGroup.Model } },
            "choose the group row, tile");
        Expect(gradual with { Pruning = new Magnitude(), MaskInterval = 0 }, "mask interval is 0");
        Expect(options with { Pruning = new Magnitude { Quantization = WeightGrid.Parse("int8") } },
            "off the grid int8");

        void Expect(SparseFineTuneOptions wrong, string message)
        {
            var error = Assert.ThrowsExactly<ArgumentException>(() => Train(dense, wrong));
            StringAssert.Contains(error.Message, message);
        }
    }

    private static void AssertSparsityIsTheFiles(SparseFineTuneResult result, LanguageModel model)
    {
        long zeros = 0, count = 0;
        foreach (TensorReport report in result.Report.Tensors)
        {
            float[] values = model.Weights[report.Name].ToArray();
            Assert.AreEqual(values.Count(v => v == 0), report.ZerosAfter, report.Name);
            zeros += report.ZerosAfter;
            count += values.Length;
        }

        Assert.AreEqual(zeros / (double)count, result.Report.Sparsity);
    }

    private static TrainingExamples Examples() => TrainingExamples.FromWindows(TinyTraining.Windows());

    private static SparseFineTuneOptions Options(TestFolder folder, int steps = 40) =>
        new() { Training = TinyTraining.Options(folder, steps) };

    private static SparseFineTuneResult Train(LanguageModel model, SparseFineTuneOptions options,
        LanguageModel? teacher = null, IProgress<TrainingProgress>? progress = null) =>
        SparseFineTuner.Train(model, Examples(), options, teacher, progress: progress);

    private sealed class Recorder(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public Action<TrainingProgress>? Told { get; init; }

        public void Report(TrainingProgress value)
        {
            reports.Add(value);
            Told?.Invoke(value);
        }
    }
}
