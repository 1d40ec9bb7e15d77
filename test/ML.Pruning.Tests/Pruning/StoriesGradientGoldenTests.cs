using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Importance;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Golden perplexities of stories260K pruned to 50 % by gradients, computed independently with PyTorch
/// 1.13.</summary>
/// <remarks>
/// <para>Protocol: that of <see cref="StoriesGoldenTests"/>; gradients in float32 of the dense model, window by window,
/// summed in float64; int(n/2) lowest of each tensor, for SNIP of the whole model. Movement: AdamW without weight
/// decay, one window a step, each window once.</para>
/// <para>At a trained model the mean gradient is small and noisy, so the first order alone prunes worse than magnitude
/// (31.7497); the second order prunes better.</para>
/// </remarks>
[TestClass]
public class StoriesGradientGoldenTests
{
    private const double Magnitude = 31.7497;
    private const double Tolerance = 1e-3;

    private static readonly CalibrationOptions s_calibration =
        new() { Samples = 64, SequenceLength = 256, Order = CalibrationOrder.Sequential };

    [TestMethod]
    public void TaylorFirst_HalfOfStories_HasTheGoldenPerplexity() => Assert.IsGreaterThan(
        Magnitude, AssertPerplexity(new TaylorPruning { Calibration = s_calibration }, 179.7857));

    [TestMethod]
    public void TaylorSecond_HalfOfStories_HasTheGoldenPerplexityBelowMagnitude() => Assert.IsLessThan(
        Magnitude, AssertPerplexity(new TaylorPruning(TaylorOrder.Second) { Calibration = s_calibration }, 12.4871));

    [TestMethod]
    public void TaylorMix_HalfOfStories_HasTheGoldenPerplexity() =>
        AssertPerplexity(new TaylorPruning(TaylorOrder.Mixed) { Calibration = s_calibration }, 183.8126);

    [TestMethod]
    public void Snip_HalfOfStories_HasTheGoldenPerplexity() =>
        AssertPerplexity(new Snip { Calibration = s_calibration }, 224.7944);

    private static double AssertPerplexity(PruningMethod method, double expected)
    {
        using var folder = new TestFolder();
        using LanguageModel model = SharedModels.Open("stories260K");
        PruningResult result = Pruner.Prune(
            model, method, SharedFiles.Documents("stories.train.jsonl"), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(113_280, result.Report.Tensors.Sum(t => t.ZerosAfter));
        Assert.AreEqual(64, result.Report.WindowsUsed);
        double perplexity = PerplexityEvaluator.Evaluate(
            pruned, SharedFiles.Documents("stories.valid.jsonl"), 256, EngineKind.Torch).Perplexity;
        Assert.AreEqual(expected, perplexity, Tolerance * expected);
        return perplexity;
    }
}
