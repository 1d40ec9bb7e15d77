using ML.Pruning.Models;
using ML.Pruning.Recovery;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;
using static TorchSharp.torch;

namespace ML.Pruning.Tests.Recovery;

/// <summary>A step leaves no native tensor behind. (The benchmark training-speed measures memory over 1,000
/// steps.)</summary>
[TestClass]
[DoNotParallelize]
public sealed class TrainingMemoryTests
{
    [TestMethod]
    [DataRow(false, false)]
    [DataRow(true, false)]
    [DataRow(true, true)]
    public void Train_ManySteps_HoldNoMoreTensorsThanFew(bool isLora, bool isDora)
    {
        using var folder = new TestFolder();
        using LanguageModel model = TinyTraining.Model();
        TrainingExamples examples = TrainingExamples.FromWindows(TinyTraining.Windows());
        TrainingOptions options = TinyTraining.Options(folder, 40) with { AccumulationSteps = 2 };
        var counts = new Dictionary<int, long>();
        var watcher = new Watcher(report => counts[report.Step] = LiveTensors.Count);
        TrainingResult result = isLora
            ? LoraTrainer.Train(
                model, examples, new LoraOptions { Dora = isDora, Training = options }, default, watcher)
            : LanguageModelTrainer.Train(model, examples, options, default, watcher);
        result.Model.Dispose();

        // Those of other tests may still be collected meanwhile; more may not appear.
        Assert.IsLessThanOrEqualTo(counts[5], counts[40]);
        Assert.IsGreaterThan(0, counts[5]);
    }

    private sealed class Watcher(Action<TrainingProgress> told) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => told(value);
    }
}
