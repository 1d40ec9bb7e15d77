using System.Text.Json.Nodes;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>Methods that make a model smaller are reachable from the tool, and what they write is taken by every
/// command.</summary>
[TestClass]
public sealed class ToolStructuredTests
{
    private TinyModel _model = null!;
    private string _folder = null!;
    private string[] _calibration = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel();
        _folder = Directory.CreateTempSubdirectory("ml-pruning-tool-").FullName;
        string text = Path.Combine(_folder, "text.jsonl");
        File.WriteAllLines(text, TinyModel.Texts.Select(t => new JsonObject { ["text"] = t }.ToJsonString()));
        _calibration = ["--calibration", text, "--calibration-samples", "4", "--sequence-length", "16"];
    }

    [TestCleanup]
    public void DeleteModel()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    public void Prune_LlmPruner_WritesAModelThatGeneratesAndIsPrunedAgain()
    {
        string once = Path.Combine(_folder, "once"), twice = Path.Combine(_folder, "twice.zip");
        string[] options =
        [
            "--method", "llm-pruner", "--ratio", "0.5", "--attention-layers", "1", "--mlp-layers", "0..1",
            "--importance", "taylor-mix", "--aggregation", "max",
        ];
        long planned = (long)ToolProcess.Run(["plan", _model.Folder, "--json", .. options]).Json()
            ["parameters"]!["after"]!;
        JsonObject report =
            ToolProcess.Run(["prune", _model.Folder, "--output", once, "--json", .. options, .. _calibration]).Json();
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
        Run("--method", "llm-pruner", "--sparsity", "0.5").ExpectRefusal("--sparsity", "--ratio");
        Run("--method", "wanda", "--ratio", "0.5").ExpectRefusal("--ratio", "--sparsity");
        Run("--method", "llm-pruner", "--importance", "magic").ExpectRefusal("--importance", "magic", "taylor-first");
        Run("--method", "llm-pruner", "--mlp-layers", "3..1").ExpectRefusal("--mlp-layers", "3..1");
        Run("--method", "llm-pruner", "--mlp-layers", "1..2").ExpectRefusal("1..2", "0..1");
    }

    private ToolProcess Run(params string[] options) => ToolProcess.Run(
        ["prune", _model.Folder, "--output", Path.Combine(_folder, "out"), .. options, .. _calibration]);
}
