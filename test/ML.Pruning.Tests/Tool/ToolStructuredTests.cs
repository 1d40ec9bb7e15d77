using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.Tool;

/// <summary>Methods that make a model smaller are reachable from the tool, and what they write is taken by every
/// command.</summary>
[TestClass]
public sealed class ToolStructuredTests
{
    private ToolFolder _folder = null!;

    [TestInitialize]
    public void CreateModel() => _folder = new ToolFolder();

    [TestCleanup]
    public void DeleteModel() => _folder.Dispose();

    [TestMethod]
    public void Prune_LlmPruner_WritesAModelThatGeneratesAndIsPrunedAgain()
    {
        string once = _folder["once"], twice = _folder["twice.zip"];
        string[] options =
        [
            "--method", "llm-pruner", "--ratio", "0.5", "--attention-layers", "1", "--mlp-layers", "0..1",
            "--importance", "taylor-mix", "--aggregation", "max",
        ];
        long planned = (long)ToolProcess.Run(["plan", _folder.Model, "--json", .. options]).Json()
            ["parameters"]!["after"]!;
        JsonObject report =
            ToolProcess.Run(["prune", _folder.Model, "--output", once, "--json", .. options, .. _folder.Calibration]).Json();
        Assert.AreEqual(planned, (long)report["structure"]!["parameters"]!["after"]!);
        Assert.AreEqual(planned, (long)ToolProcess.Run("inspect", once, "--json").Json()["parameters"]!);
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(once, "config.json")))!;
        Assert.AreEqual(1, (int)config["layer_shapes"]![1]!["num_key_value_heads"]!);
        Assert.AreEqual(12, (int)config["layer_shapes"]![0]!["intermediate_size"]!);

        ToolProcess generated = ToolProcess.Run("generate", once, "--prompt", "a", "--max-new-tokens", "3");
        Assert.AreEqual(0, generated.ExitCode, generated.Errors);
        ToolProcess again = ToolProcess.Run("prune", once, "--output", twice, "--method", "llm-pruner",
            "--granularity", "channel", "--importance", "l2");
        Assert.AreEqual(0, again.ExitCode, again.Errors);
        StringAssert.Contains(again.Errors, "Proof:");
        JsonObject inspected = ToolProcess.Run("inspect", twice, "--json").Json();
        Assert.AreEqual(12, (int)inspected["hiddenSize"]!);
    }

    [TestMethod]
    public void Prune_StructuredOptionsThatDoNotFit_AreRefused()
    {
        _folder.Prune("--method", "llm-pruner", "--sparsity", "0.5").ExpectRefusal("--sparsity", "--ratio");
        _folder.Prune("--method", "wanda", "--ratio", "0.5").ExpectRefusal("--ratio", "--sparsity");
        _folder.Prune("--method", "llm-pruner", "--importance", "magic").ExpectRefusal("--importance", "magic", "taylor-first");
        _folder.Prune("--method", "llm-pruner", "--mlp-layers", "3..1").ExpectRefusal("--mlp-layers", "3..1");
        _folder.Prune("--method", "llm-pruner", "--mlp-layers", "1..2").ExpectRefusal("1..2", "0..1");
    }
}
