using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>Every pruning method is reachable from the tool and sets the zeros that it promises.</summary>
[TestClass]
public sealed class ToolMethodTests
{
    private ToolFolder _folder = null!;

    private static long LinearWeights => TinyModel.Spec.Parameters()
        .Where(p => p.Role == ParameterRole.Linear).Sum(p => p.Count);

    [TestInitialize]
    public void CreateModel() => _folder = new ToolFolder();

    [TestCleanup]
    public void DeleteModel() => _folder.Dispose();

    [TestMethod]
    [DataRow("random")]
    [DataRow("activation-norm")]
    [DataRow("sparsegpt")]
    [DataRow("obd")]
    [DataRow("obs")]
    [DataRow("taylor-first")]
    [DataRow("taylor-second")]
    [DataRow("taylor-mix")]
    [DataRow("fisher")]
    [DataRow("snip")]
    [DataRow("movement-score")]
    public void Prune_ByEachMethod_SetsHalfOfTheWeightsToZero(string method) =>
        Assert.AreEqual(LinearWeights / 2, Zeros("--method", method, "--group", "tensor"));

    [TestMethod]
    [DataRow("sparsegpt")]
    [DataRow("least-squares")]
    [DataRow("bias")]
    public void Prune_WithAnUpdate_KeepsTheCount(string update) =>
        Assert.AreEqual(LinearWeights / 2, Zeros("--method", "wanda", "--update", update));

    [TestMethod]
    [DataRow("erk")]
    [DataRow("owl")]
    [DataRow("global")]
    [DataRow("sensitivity")]
    [DataRow("sensitivity-error")]
    public void Prune_WithAnAllocation_ReachesTheSparsity(string allocation)
    {
        // Each tensor removes a whole number of weights, cut.
        int tensors = TinyModel.Spec.Layers.Select((_, i) => TinyModel.Spec.Linears(i).Count).Sum();
        long zeros = Zeros("--method", "wanda", "--allocation", allocation, "--group", "tensor");
        Assert.IsInRange(LinearWeights / 2 - tensors, LinearWeights / 2, zeros);
    }

    [TestMethod]
    public void Prune_WithAMaskFile_RemovesWhatItSays()
    {
        string name = TensorNames.Weight(0, TensorNames.Query), mask = _folder["mask.safetensors"];
        byte[] keep = [.. Enumerable.Range(0, 16 * 16).Select(i => (byte)(i % 4 == 0 ? 0 : 1))];
        SafetensorsWriter.Write(mask, [new BytesTensor(name, keep, [16, 16], TensorType.U8)]);
        Assert.AreEqual(64, Zeros("--method", "magnitude", "--mask", mask));
    }

    [TestMethod]
    public void Prune_InBFloat16_SetsTheSameCount() =>
        Assert.AreEqual(LinearWeights / 2, Zeros("--method", "wanda", "--compute", "bfloat16"));

    [TestMethod]
    public void Prune_UnknownUpdateAllocationOrPrecision_IsRefused()
    {
        _folder.Prune("--method", "wanda", "--update", "magic").ExpectRefusal("--update", "magic");
        _folder.Prune("--method", "wanda", "--allocation", "magic").ExpectRefusal("--allocation", "magic");
        _folder.Prune("--method", "wanda", "--compute", "float8").ExpectRefusal("--compute", "float8");
        _folder.Prune("--method", "wanda", "--mask", _folder["no.safetensors"]).ExpectRefusal("no.safetensors");
    }

    private long Zeros(params string[] options)
    {
        ToolProcess pruned = _folder.Prune(options);
        Assert.AreEqual(0, pruned.ExitCode, pruned.Errors);
        return (long)ToolProcess.Run("inspect", _folder["out"], "--json").Json()["zeros"]!;
    }
}
