using ML.Pruning.Importance;
using ML.Pruning.Pruning;

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

    [TestMethod]
    public void TaylorFirst_HalfOfStories_HasTheGoldenPerplexity() => Assert.IsGreaterThan(
        Magnitude, AssertPerplexity(new TaylorPruning { Calibration = GoldenProtocol.Calibration }, 179.7857));

    [TestMethod]
    public void TaylorSecond_HalfOfStories_HasTheGoldenPerplexityBelowMagnitude() => Assert.IsLessThan(
        Magnitude, AssertPerplexity(
            new TaylorPruning(TaylorOrder.Second) { Calibration = GoldenProtocol.Calibration }, 12.4871));

    [TestMethod]
    public void TaylorMix_HalfOfStories_HasTheGoldenPerplexity() =>
        AssertPerplexity(new TaylorPruning(TaylorOrder.Mixed) { Calibration = GoldenProtocol.Calibration }, 183.8126);

    [TestMethod]
    public void Snip_HalfOfStories_HasTheGoldenPerplexity() =>
        AssertPerplexity(new Snip { Calibration = GoldenProtocol.Calibration }, 224.7944);

    private static double AssertPerplexity(PruningMethod method, double expected)
    {
        (PruningReport report, double perplexity) = GoldenProtocol.Measure(method);
        Assert.AreEqual(113_280, report.Tensors.Sum(t => t.ZerosAfter));
        Assert.AreEqual(64, report.WindowsUsed);
        Assert.AreEqual(expected, perplexity, Tolerance * expected);
        return perplexity;
    }
}
