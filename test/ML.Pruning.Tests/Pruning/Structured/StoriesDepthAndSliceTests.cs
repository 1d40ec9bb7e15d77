using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Golden: perplexities of stories260K, of which those of slicing and the block influence agree with a
/// separate float64 computation in another language.</summary>
[TestClass]
public sealed class StoriesDepthAndSliceTests
{
    private static readonly CalibrationOptions s_calibration =
        new() { Samples = 64, SequenceLength = 256, Order = CalibrationOrder.Sequential };

    [TestMethod]
    public void ShortGpt_OneLayer_IsTheGoldenOne()
    {
        PruningReport report = AssertGolden(new ShortGpt { Count = 1, Calibration = s_calibration }, 5.8838, 214_592);
        double[] influence =
            [.. report.Structure!.Families.Select(f => f.HighestRemovedScore ?? f.LowestKeptScore ?? double.NaN)];
        double[] expected = [0.2315, 0.1383, 0.1129, 0.1195, 0.1533];
        for (int layer = 0; layer < expected.Length; layer++)
            Assert.AreEqual(expected[layer], influence[layer], 1e-4, $"layer {layer}");
        CollectionAssert.AreEqual(new[] { 0 }, report.Structure.Families[2].Removed.ToArray());
    }

    [TestMethod]
    [DataRow(0.0, 2.8808, 333_056)]
    [DataRow(0.25, 10.8893, 253_824)]
    public void SliceGpt_Ratio_IsTheGoldenOne(double ratio, double perplexity, long parameters) =>
        AssertGolden(new SliceGpt { Ratio = ratio, Calibration = s_calibration }, perplexity, parameters);

    private static PruningReport AssertGolden(PruningMethod method, double perplexity, long parameters)
    {
        using var folder = new TestFolder();
        using LanguageModel model = SharedModels.Open("stories260K");
        PruningResult result = Pruner.Prune(
            model, method, SharedFiles.Documents("stories.train.jsonl"), PrunedModels.In(folder));
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(parameters, pruned.Spec.ParameterCount);
        Assert.IsLessThanOrEqualTo(1e-5, result.Report.Structure!.LargestLogitDifference);
        double measured = PerplexityEvaluator.Evaluate(
            pruned, SharedFiles.Documents("stories.valid.jsonl"), 256, EngineKind.Torch).Perplexity;
        Assert.AreEqual(perplexity, measured, 0.005 * perplexity);
        return result.Report;
    }
}
