using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tests.Checkpoints;

namespace ML.Pruning.Tests.Pruning.Structured;

/// <summary>Golden: perplexities of stories260K, of which those of slicing and the block influence agree with a
/// separate float64 computation in another language.</summary>
[TestClass]
public sealed class StoriesDepthAndSliceTests
{
    [TestMethod]
    public void ShortGpt_OneLayer_IsTheGoldenOne()
    {
        PruningReport report = AssertGolden(
            new ShortGpt { Count = 1, Calibration = GoldenProtocol.Calibration }, 5.8838, 214_592);
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
        AssertGolden(new SliceGpt { Ratio = ratio, Calibration = GoldenProtocol.Calibration }, perplexity, parameters);

    private static PruningReport AssertGolden(PruningMethod method, double perplexity, long parameters)
    {
        using var folder = new TestFolder();
        PruningResult result = GoldenProtocol.Prune(method, folder);
        using LanguageModel pruned = result.Model;
        Assert.AreEqual(parameters, pruned.Spec.ParameterCount);
        Assert.IsLessThanOrEqualTo(1e-5, result.Report.Structure!.LargestLogitDifference);
        Assert.AreEqual(perplexity, GoldenProtocol.Perplexity(pruned), 0.005 * perplexity);
        return result.Report;
    }
}
