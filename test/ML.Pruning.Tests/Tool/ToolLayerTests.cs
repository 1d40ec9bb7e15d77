using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.Tool;

/// <summary>Removing layers and slicing the stream, from the tool; what they write is taken by every command.</summary>
[TestClass]
public sealed class ToolLayerTests
{
    private ToolFolder _folder = null!;

    [TestInitialize]
    public void CreateModel() => _folder = new ToolFolder();

    [TestCleanup]
    public void DeleteModel() => _folder.Dispose();

    [TestMethod]
    [DataRow("shortgpt", "--drop-layers", "1", "highestRemovedScore")]
    [DataRow("shortgpt", "--ratio", "0.5", "highestRemovedScore")]
    [DataRow("depth", "--drop-layers", "0", "layer")]
    [DataRow("depth", "--drop-last", "1", "layer")]
    [DataRow("slicegpt", "--ratio", "0.5", "lostEnergy")]
    [DataRow("slicegpt", "--orientation", "random", "lostEnergy")]
    public void Prune_WritesAModelThatEveryCommandTakes(string method, string option, string value, string reported)
    {
        string smaller = _folder["smaller"], twice = _folder["twice.zip"];
        string[] options = ["--method", method, option, value];
        JsonObject structure = _folder.PruneAsPlanned(smaller, options);
        StringAssert.Contains(structure.ToJsonString(), reported);
        ToolProcess again = ToolProcess.Run("prune", smaller, "--output", twice, "--method", "magnitude");
        Assert.AreEqual(0, again.ExitCode, again.Errors);
        Assert.AreEqual((long)structure["parameters"]!["after"]!,
            (long)ToolProcess.Run("inspect", twice, "--json").Json()["parameters"]!);
    }

    [TestMethod]
    public void Prune_OptionsThatDoNotFit_AreRefused()
    {
        _folder.Prune("--method", "shortgpt", "--drop-layers", "1", "--ratio", "0.5")
            .ExpectRefusal("--ratio", "--drop-layers");
        _folder.Prune("--method", "shortgpt", "--drop-layers", "0..1").ExpectRefusal("--drop-layers", "0..1", "number");
        _folder.Prune("--method", "depth", "--drop-layers", "1,x").ExpectRefusal("--drop-layers", "\"x\"");
        _folder.Prune("--method", "depth", "--drop-layers", "7").ExpectRefusal("7", "0..1");
        _folder.Prune("--method", "depth", "--ratio", "0.5").ExpectRefusal("--drop-last");
        _folder.Prune("--method", "slicegpt", "--orientation", "up").ExpectRefusal("--orientation", "\"up\"", "random");
        _folder.Prune("--method", "slicegpt", "--sparsity", "0.5").ExpectRefusal("--sparsity", "--ratio");
    }
}
