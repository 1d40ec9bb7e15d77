using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>How golden perplexities are measured: pruned by the first 64 windows of 256 tokens of the train file, in
/// order, and measured on the valid file at 256 tokens. Inconclusive without the files.</summary>
internal static class GoldenProtocol
{
    public const string Stories = "stories";
    public const string Docs = "docs";

    private const int Length = 256;

    public static CalibrationOptions Calibration { get; } =
        new() { Samples = 64, SequenceLength = Length, Order = CalibrationOrder.Sequential };

    /// <summary>stories260K or docs-6m.</summary>
    public static LanguageModel Open(string data) => SharedModels.Open(data == Docs ? "docs-6m" : "stories260K");

    /// <summary>Prunes the model of a data set.</summary>
    /// <returns>What happened; the caller disposes the model.</returns>
    public static PruningResult Prune(PruningMethod method, TestFolder folder, string data = Stories)
    {
        using LanguageModel model = Open(data);
        return Pruner.Prune(model, method, SharedFiles.Documents($"{data}.train.jsonl"), PrunedModels.In(folder));
    }

    /// <summary>Prunes the model of a data set and measures it.</summary>
    public static (PruningReport Report, double Perplexity) Measure(PruningMethod method, string data = Stories)
    {
        using var folder = new TestFolder();
        PruningResult result = Prune(method, folder, data);
        using LanguageModel pruned = result.Model;
        return (result.Report, Perplexity(pruned, data));
    }

    /// <summary>Measures a model.</summary>
    public static double Perplexity(LanguageModel model, string data = Stories, int documents = int.MaxValue) =>
        PerplexityEvaluator.Evaluate(
            model, SharedFiles.Documents($"{data}.valid.jsonl").Take(documents), Length, EngineKind.Torch).Perplexity;
}
