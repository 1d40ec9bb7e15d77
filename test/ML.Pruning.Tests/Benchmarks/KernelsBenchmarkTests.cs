using ML.Pruning.Benchmarks;
using ML.Pruning.Benchmarks.Kernels;

namespace ML.Pruning.Tests.Benchmarks;

[TestClass]
public sealed class KernelsBenchmarkTests
{
    [TestMethod]
    public void Run_SmallScale_MeasuresEachTypeAgainstEachBaseline()
    {
        var settings = new BenchmarkSettings("", "", Scale: 0.005);
        var benchmark = new KernelsBenchmark();
        if (benchmark.WhyNot(settings) is { } reason) Assert.Inconclusive(reason);

        KernelResult[] results = [.. benchmark.Run(settings).Cast<KernelResult>()];

        foreach ((string type, string baseline) in new[]
        {
            ("f32", "onnxruntime-f32"), ("bf16", "onnxruntime-f32"), ("int8", "onnxruntime-int8"),
            ("int4g64", "onnxruntime-int4"), ("int4g64", "self-dense"),
        })
        {
            KernelResult[] of = [.. results.Where(result => result.Type == type && result.Baseline == baseline)];
            CollectionAssert.IsSubsetOf(new[] { 1, 256 }, of.Select(result => result.Batch).ToArray());
            foreach (KernelResult result in of)
            {
                // Small weights become zeros as 4-bit codes, and are not stored then.
                double zeroCodes = type == "int4g64" && result.Kernel.EndsWith("-bitmask") ? 0.13 * (1 - result.Sparsity) : 0;
                Assert.AreEqual(result.Sparsity + zeroCodes, result.ActualSparsity, 0.05, $"{result}");
                Assert.IsTrue(result.MedianMicroseconds > 0 && result.Ratio > 0, $"{result}");
            }
        }
    }
}
