using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Recovery.DynamicSparsity;

/// <summary>What every kind of dynamics has to stand: stops, saving, rates that are too high, options that do not
/// fit.</summary>
[TestClass]
public class DynamicRunTests
{
    [TestMethod]
    [DataRow("rigl")]
    [DataRow("set")]
    [DataRow("movement")]
    [DataRow("soft-movement")]
    [DataRow("regrowing")]
    [DataRow("top-kast")]
    [DataRow("lottery")]
    [DataRow("edge-popup")]
    public void Train_StoppedResumedSavedAndLoaded_HasTheBitsAndZerosOfAnUnbrokenRun(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions options = DynamicRuns.Options(folder, name);
        options = options with
        {
            Training = options.Training with { CheckpointFolder = Path.Combine(folder.Path, "state") },
        };
        SparseFineTuneResult unbroken = DynamicRuns.Train(dense, options);
        using LanguageModel whole = unbroken.Model;
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => DynamicRuns.Train(
            dense, options, r => { if (r.Step == 17) source.Cancel(); }, source.Token));
        SparseFineTuneResult result = DynamicRuns.Train(
            dense, options with { Training = options.Training with { Resume = true } });
        using LanguageModel resumed = result.Model;
        Assert.AreEqual(whole.ContentHash, resumed.ContentHash);

        string output = Path.Combine(folder.Path, "saved");
        HuggingFaceModel.Save(resumed, output);
        using LanguageModel loaded = HuggingFaceModel.Open(output);
        Assert.HasCount(14, loaded.MaskedTensors);
        foreach (TensorReport tensor in result.Report.Tensors)
            Assert.AreEqual(tensor.ZerosAfter, loaded.Weights[tensor.Name].ToArray().Count(w => w == 0), tensor.Name);
        if (name == "soft-movement")
            Assert.IsTrue(result.Report.Sparsity is > 0.1 and < 0.995, $"{result.Report.Sparsity}");
        else
            Assert.AreEqual(0.6, result.Report.Sparsity, 3e-3);
    }

    [TestMethod]
    [DataRow("movement")]
    [DataRow("regrowing")]
    public void Train_AggressiveScheduleAndRateFarTooHigh_ReportsRollBacksAndNoNaN(string name)
    {
        using var folder = new TestFolder();
        using LanguageModel learned = TinyTraining.Train(
            TinyTraining.Model(), TinyTraining.Windows(), TinyTraining.Options(folder, 100));
        SparseFineTuneOptions options = DynamicRuns.Options(folder, name, 0.9, steps: 80);

        // After a third of the training most weights go at once, at a high rate.
        options = options with
        {
            Schedule = options.Schedule with { RampStart = 0.33, RampFraction = 0.34 },
            Training = options.Training with { LearningRate = 0.05, WarmupSteps = 20 },
        };
        SparseFineTuneResult result = DynamicRuns.Train(learned, options);
        using LanguageModel trained = result.Model;
        Assert.IsGreaterThan(0, result.Report.Training.Rollbacks);
        Assert.AreEqual(0.9, result.Report.Sparsity, 5e-3);
        foreach (StoredTensor weight in trained.Weights.Values)
            Assert.IsTrue(weight.ToArray().All(float.IsFinite), weight.Name);
    }

    [TestMethod]
    public void Train_Regrowing_LetsHiddenWeightsComeBack()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions options = DynamicRuns.Options(folder, "regrowing", 0.6, steps: 60);
        SparseFineTuneOptions stay = options with { Dynamics = null };
        using LanguageModel regrown = DynamicRuns.Train(dense, options).Model;
        using LanguageModel kept = DynamicRuns.Train(dense, stay).Model;
        using LanguageModel start = Pruner.Prune(dense, new Magnitude { Sparsity = 0.6 }).Model;
        int Back(LanguageModel model) => start.MaskedTensors.Sum(name => start.Weights[name].ToArray()
            .Zip(model.Weights[name].ToArray()).Count(w => w.First == 0 && w.Second != 0));
        Assert.IsGreaterThan(Back(kept), Back(regrown));
    }

    [TestMethod]
    public void Train_ModelWithOtherZeros_KeepsThem()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        using LanguageModel pruned = Pruner.Prune(dense, new Magnitude { Sparsity = 0.5 }).Model;
        SparseFineTuneOptions options = DynamicRuns.Options(folder, "movement", 0.8) with
        {
            Pruning = new Magnitude { Sparsity = 0.8, IncludeTensors = ["*mlp*"] },
        };
        SparseFineTuneResult result = DynamicRuns.Train(pruned, options);
        using LanguageModel trained = result.Model;
        foreach (TensorReport tensor in result.Report.Tensors)
        {
            bool isPlanned = tensor.Name.Contains("mlp", StringComparison.Ordinal);
            Assert.AreEqual(isPlanned ? 0.8 : 0.5, tensor.Sparsity, 5e-3, tensor.Name);
        }
    }

    [TestMethod]
    public void Train_OptionsThatDoNotFit_AreRefused()
    {
        using var folder = new TestFolder();
        using LanguageModel dense = TinyTraining.Model();
        SparseFineTuneOptions rigl = DynamicRuns.Options(folder, "rigl"),
            movement = DynamicRuns.Options(folder, "movement");
        SparseFineTuneOptions lottery = DynamicRuns.Options(folder, "lottery");
        Expect(rigl with { Pruning = null }, "no zeros to keep");
        Expect(rigl with { Schedule = new SparsitySchedule() }, "rigl has no use for the sparsity schedule cubic");
        Expect(rigl with { Dynamics = new RigL { DropFraction = 1 } }, "drop fraction of rigl is 1");
        Expect(movement with { Schedule = SparsitySchedule.OneShot }, "movement needs a sparsity schedule that rises");
        Expect(movement with { Pruning = null }, "movement needs a pruning method");
        Expect(movement with { Dynamics = new MovementPruning { ScoreLearningRate = 0 } },
            "rate of the scores of movement");
        Expect(movement with
        {
            Dynamics = new MovementPruning { Granularity = ScoreGranularity.Head },
            Pruning = new Magnitude { Group = ComparisonGroup.Tile },
        }, "choose the group tensor or row");
        Expect(lottery with { Schedule = new SparsitySchedule() }, "lottery has no use for");
        Expect(lottery with { Dynamics = new LotteryTicket { Rounds = 3, RewindStep = 10 } },
            "go back to of lottery is 10");

        void Expect(SparseFineTuneOptions wrong, string message)
        {
            var error = Assert.ThrowsExactly<ArgumentException>(() => DynamicRuns.Train(dense, wrong));
            StringAssert.Contains(error.Message, message);
        }
    }
}
