using System.Diagnostics;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Importance;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Pruning.Structured;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

[TestClass]
public sealed class StoriesLlmPrunerTests
{
    private static readonly CalibrationOptions s_calibration =
        new() { Samples = 64, SequenceLength = 256, Order = CalibrationOrder.Sequential };

    [TestMethod]
    public void Explore()
    {
        foreach (string name in new[] { "stories260K", "docs-6m" })
        foreach (GroupImportance importance in Enum.GetValues<GroupImportance>())
        {
            var clock = Stopwatch.StartNew();
            using var folder = new TestFolder();
            using LanguageModel model = SharedModels.Open(name);
            string data = name == "docs-6m" ? "docs" : "stories";
            PruningResult result = Pruner.Prune(model, new LlmPruner { Importance = importance, Calibration = s_calibration },
                SharedFiles.Documents($"{data}.train.jsonl"), PrunedModels.In(folder));
            using LanguageModel pruned = result.Model;
            double perplexity = PerplexityEvaluator.Evaluate(
                pruned, SharedFiles.Documents($"{data}.valid.jsonl").Take(60), 256, EngineKind.Torch).Perplexity;
            Console.WriteLine($"{name} {importance} {perplexity:F4} diff {result.Report.Structure!.LargestLogitDifference:G3} {clock.Elapsed.TotalSeconds:F1}s");
            if (importance == GroupImportance.TaylorFirst) Console.WriteLine(result.Report.ToTable());
        }
    }
}
