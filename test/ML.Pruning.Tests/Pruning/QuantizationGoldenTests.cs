using ML.Pruning.Checkpoints;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>What quantisation costs real models. The numbers of int4 are this library's own, recorded when it was
/// written; those of the dense models and of Wanda are PyTorch's.</summary>
/// <remarks>Protocol: perplexity at 256 tokens, without overlap, of stories.valid.jsonl and docs.valid.jsonl. All
/// linear maps of the layers are quantised, embedding and head are left alone.</remarks>
[TestClass]
public class QuantizationGoldenTests
{
    private const double Stories = 2.8808;
    private const double Docs = 47.19;
    private const double StoriesWanda = 14.3392;

    [TestMethod]
    [TestCategory("Slow")]
    [DataRow("stories260K", "stories.valid.jsonl", Stories)]
    [DataRow("docs-6m", "docs.valid.jsonl", Docs)]
    public void Int8_RoundToNearest_IsWithinOnePercentOfDense(string model, string text, double dense) =>
        Assert.AreEqual(dense, Perplexity(model, text, new RoundToNearest(new Int8PerRow())), 0.01 * dense);

    [TestMethod]
    [TestCategory("Slow")]
    [DataRow("stories260K", "stories.valid.jsonl", 3.3408)]
    [DataRow("docs-6m", "docs.valid.jsonl", 47.6897)]
    public void Int4_RoundToNearest_HasTheRecordedPerplexity(string model, string text, double expected) =>
        Assert.AreEqual(expected, Perplexity(model, text, new RoundToNearest(new Int4Groups())), 1e-3 * expected);

    [TestMethod]
    public void Int8_AfterWanda_IsWithinTwoPercentOfWandaAlone() => Assert.AreEqual(
        StoriesWanda,
        Perplexity("stories260K", "stories.valid.jsonl", new Wanda
        {
            Quantization = new Int8PerRow(),
            Calibration = GoldenProtocol.Calibration,
        }),
        0.02 * StoriesWanda);

    private static double Perplexity(string name, string text, PruningMethod method)
    {
        using var folder = new TestFolder();
        using LanguageModel model = TestKit.SharedModels.Open(name);
        using LanguageModel quantized = Pruner.Prune(
            model, method, SharedFiles.Documents("stories.train.jsonl"), PrunedModels.In(folder)).Model;
        return PerplexityEvaluator.Evaluate(quantized, SharedFiles.Documents(text), 256, EngineKind.Torch).Perplexity;
    }
}
