using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Golden perplexities of models pruned with weight updates, computed independently with PyTorch
/// 1.13.1.</summary>
/// <remarks>
/// <para>Protocol: statistics from the first 64 windows of 256 tokens of the train file, layer by layer, earlier layers
/// pruned; perplexity of the valid file at 256 tokens. The reference ran the model in float32 and the solver in
/// float64, column by column, with U from two Cholesky factorisations and an inverse.</para>
/// <para>stories260K: dense 2.8808, magnitude 50 % 31.7497, Wanda 50 % 14.3392; Wanda 70 % 129.885, with OWL 96.833.
/// docs-6m: dense 47.19, magnitude 50 % 51.3283, Wanda 50 % 51.0642.</para>
/// </remarks>
[TestClass]
public class SparseGptGoldenTests
{
    /// <summary>stories260K at 70 %.</summary>
    public const double SeventyPercent = 92.6715;

    private const double Tolerance = 1e-3;

    [TestMethod]
    [DataRow("unstructured", 12.5879)]
    [DataRow("2:4", 24.1419)]
    public void SparseGpt_HalfOfStories_HasTheGoldenPerplexity(string pattern, double expected) => AssertPerplexity(
        "stories", new SparseGpt { Pattern = SparsityPattern.Parse(pattern), Calibration = GoldenProtocol.Calibration },
        expected);

    [TestMethod]
    public void SparseGpt_SeventyPercentOfStories_HasTheGoldenPerplexity() => AssertPerplexity(
        "stories", new SparseGpt { Sparsity = 0.7, Calibration = GoldenProtocol.Calibration }, SeventyPercent);

    [TestMethod]
    public void SparseGpt_HalfOfStoriesWithoutUpdate_HasTheGoldenPerplexity() =>
        AssertPerplexity("stories", new SparseGpt { Update = null, Calibration = GoldenProtocol.Calibration }, 17.0374);

    [TestMethod]
    public void Wanda_HalfOfStoriesWithSparseGptUpdate_HasTheGoldenPerplexity() =>
        AssertPerplexity("stories",
            new Wanda { Update = new SparseGptUpdate(), Calibration = GoldenProtocol.Calibration }, 10.2120);

    [TestMethod]
    public void Wanda_HalfOfStoriesWithLeastSquares_HasTheGoldenPerplexity() => AssertPerplexity(
        "stories", new Wanda { Update = new LeastSquaresUpdate(), Calibration = GoldenProtocol.Calibration }, 8.1815);

    [TestMethod]
    public void SparseGpt_HalfOfDocs_HasTheGoldenPerplexity() =>
        AssertPerplexity("docs", new SparseGpt { Calibration = GoldenProtocol.Calibration }, 50.1425);

    [TestMethod]
    public void SparseGpt_StoriesByOwl_HasTheGoldenPerplexity() => AssertPerplexity("stories",
        new SparseGpt { Sparsity = 0.7, Allocation = new OwlAllocation(), Calibration = GoldenProtocol.Calibration },
        81.7353);

    private static void AssertPerplexity(string data, WeightPruning method, double expected)
    {
        (PruningReport report, double perplexity) = GoldenProtocol.Measure(method, data);
        Assert.AreEqual(method.Sparsity ?? 0.5, report.Sparsity, 1e-3);
        Assert.AreEqual(expected, perplexity, Tolerance * expected);
    }
}
