using ML.Pruning.Benchmarks;
using ML.Pruning.Benchmarks.Models;

namespace ML.Pruning.Tests.Benchmarks;

[TestClass]
public sealed class ModelsBenchmarkTests
{
    [TestMethod]
    public void Run_GraphsAtSmallScale_MeasuresEachSparsity()
    {
        var settings = new BenchmarkSettings("", "", Scale: 0.01);
        var benchmark = new GraphSpeedBenchmark();
        if (benchmark.WhyNot(settings) is { } reason) Assert.Inconclusive(reason);

        ModelResult[] results = [.. benchmark.Run(settings).Cast<ModelResult>().Take(3)];

        Assert.HasCount(3, results);
        foreach (ModelResult result in results)
        {
            Assert.IsGreaterThan(0, result.PrefillRatio, $"{result}");
            Assert.IsLessThan(result.BaselineWeightBytes, result.WeightBytes, $"{result}");
        }
    }
}
