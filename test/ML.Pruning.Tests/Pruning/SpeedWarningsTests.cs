using ML.Pruning.Kernels;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Tests.Pruning;

[TestClass]
public class SpeedWarningsTests
{
    private const long Large = 4096 * 4096;
    private static readonly SpeedWarnings s_machine = new(KernelTarget.Vnni, 2 << 20);

    [TestMethod]
    public void Of_LargeTensorsHalfZero_SaysNothing()
    {
        Assert.IsEmpty(s_machine.Of([Tensor(Large, 0.5)], SparsityPattern.Unstructured));
        Assert.IsEmpty(s_machine.Of([Tensor(Large, 0.5)], new BlockPattern(16, 4)));
        Assert.IsEmpty(s_machine.Of([Tensor(Large, 0.5)], new BlockPattern(32, 32)));
        Assert.IsEmpty(s_machine.Of([], SparsityPattern.Unstructured));
    }

    [TestMethod]
    public void Of_FewZeros_CountsTheTensors()
    {
        string warning = s_machine.Of([Tensor(Large, 0.5), Tensor(Large, 0.15), Tensor(Large, 0.1)],
            SparsityPattern.Unstructured).Single();
        StringAssert.Contains(warning, "2 of 3 tensors");
        StringAssert.Contains(warning, "from 10.0");
    }

    [TestMethod]
    [DataRow("2:4", "no more speed than as many zeros")]
    [DataRow("block:8x8", "multiple of 16 rows")]
    [DataRow("block:16x1", "float32 only")]
    [DataRow("block:16x2", "float32 and bfloat16 only")]
    public void Of_PatternWithoutLayout_SaysWhatTheKernelsSkip(string pattern, string expected) =>
        StringAssert.Contains(
            s_machine.Of([Tensor(Large, 0.5)], SparsityPattern.Parse(pattern)).Single(), expected);

    [TestMethod]
    public void Of_TensorsWithinTheCache_SaysSoBelowNinetyPercent()
    {
        StringAssert.Contains(s_machine.Of([Tensor(500_000, 0.5)], SparsityPattern.Unstructured).Single(),
            "second-level cache of 2048 KiB");
        Assert.IsEmpty(s_machine.Of([Tensor(500_000, 0.95)], SparsityPattern.Unstructured));
        Assert.IsEmpty((s_machine with { CacheBytes = null }).Of([Tensor(500_000, 0.5)], SparsityPattern.Unstructured));
    }

    [TestMethod]
    [DataRow(KernelTarget.Managed, "native kernels are missing")]
    [DataRow(KernelTarget.Scalar, "no vector instructions")]
    public void Of_MachineWithoutVectors_SaysOnlyThat(KernelTarget target, string expected) => StringAssert.Contains(
        new SpeedWarnings(target, 2 << 20).Of([Tensor(1000, 0.1)], new NofMPattern(2, 4)).Single(), expected);

    [TestMethod]
    public void Of_SingleZerosInInt8OnAvx2_WarnsOfIt()
    {
        TensorReport[] quantized = [Tensor(Large, 0.5) with { Grid = "int8" }];
        var machine = new SpeedWarnings(KernelTarget.Avx2, 1 << 20);
        StringAssert.Contains(machine.Of(quantized, SparsityPattern.Unstructured).Single(), "AVX2");
        Assert.IsEmpty(machine.Of(quantized, new BlockPattern(16, 4)));
        Assert.IsEmpty(s_machine.Of(quantized, SparsityPattern.Unstructured));
    }

    [TestMethod]
    public void OfThisMachine_Always_NamesATargetThatRuns() =>
        Assert.IsTrue(KernelLibrary.Supports(SpeedWarnings.OfThisMachine().Target));

    private static TensorReport Tensor(long weights, double sparsity) =>
        new("w", weights, 0, (long)(weights * sparsity));
}
