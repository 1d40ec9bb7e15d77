using System.Text.Json.Nodes;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>The tool knows the methods by gradients.</summary>
[TestClass]
public sealed class GradientMethodTests
{
    [TestMethod]
    [DataRow("taylor-first", "taylor-first")]
    [DataRow("taylor-second", "taylor-second")]
    [DataRow("fisher", "taylor-second")]
    [DataRow("taylor-mix", "taylor-mix")]
    [DataRow("snip", "snip")]
    [DataRow("movement-score", "movement-score")]
    public void Plan_MethodByGradients_IsKnown(string name, string method)
    {
        using var model = new TinyModel();
        JsonObject json = ToolProcess.Run("plan", model.Folder, "--method", name, "--json").Json();
        Assert.AreEqual(method, (string?)json["method"]);
        Assert.IsGreaterThan(4 * TinyModel.Spec.ParameterCount, (long)json["peakMemoryBytes"]!);
    }

    [TestMethod]
    public void Prune_ByMovementScores_WritesProvenance()
    {
        using var folder = new ToolFolder();
        ToolProcess pruned = folder.Prune("--method", "movement-score");
        Assert.AreEqual(0, pruned.ExitCode, pruned.Errors);
        StringAssert.Contains(File.ReadAllText(Path.Combine(folder["out"], "mlpruning.json")), "movement");
    }
}
