using System.Text.Json.Nodes;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>Removing layers and slicing the stream, from the tool; what they write is taken by every command.</summary>
[TestClass]
public sealed class ToolLayerTests
{
    private TinyModel _model = null!;
    private string _folder = null!;
    private string _text = null!;
    private string[] _calibration = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel();
        _folder = Directory.CreateTempSubdirectory("ml-pruning-tool-").FullName;
        _text = Path.Combine(_folder, "text.jsonl");
        File.WriteAllLines(_text, TinyModel.Texts.Select(t => new JsonObject { ["text"] = t }.ToJsonString()));
        _calibration = ["--calibration", _text, "--calibration-samples", "4", "--sequence-length", "16"];
    }

    [TestCleanup]
    public void DeleteModel()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    [DataRow("shortgpt", "--drop-layers", "1", "highestRemovedScore")]
    [DataRow("shortgpt", "--ratio", "0.5", "highestRemovedScore")]
    [DataRow("depth", "--drop-layers", "0", "layer")]
    [DataRow("depth", "--drop-last", "1", "layer")]
    [DataRow("slicegpt", "--ratio", "0.5", "lostEnergy")]
    [DataRow("slicegpt", "--orientation", "random", "lostEnergy")]
    public void Prune_WritesAModelThatEveryCommandTakes(string method, string option, string value, string reported)
    {
        string smaller = Path.Combine(_folder, "smaller"), twice = Path.Combine(_folder, "twice.zip");
        string[] options = ["--method", method, option, value];
        long planned = (long)ToolProcess.Run(["plan", _model.Folder, "--json", .. options]).Json()
            ["parameters"]!["after"]!;
        JsonObject report = ToolProcess.Run(
            ["prune", _model.Folder, "--output", smaller, "--json", .. options, .. _calibration]).Json();
        StringAssert.Contains(report["structure"]!.ToJsonString(), reported);
        Assert.AreEqual(planned, (long)ToolProcess.Run("inspect", smaller, "--json").Json()["parameters"]!);
        double perplexity = (double)ToolProcess.Run(
            "eval", smaller, "--data", _text, "--sequence-length", "16", "--json").Json()["perplexity"]!;
        Assert.IsTrue(double.IsFinite(perplexity));
        ToolProcess generated = ToolProcess.Run("generate", smaller, "--prompt", "a", "--max-new-tokens", "3");
        Assert.AreEqual(0, generated.ExitCode, generated.Errors);
        ToolProcess again = ToolProcess.Run("prune", smaller, "--output", twice, "--method", "magnitude");
        Assert.AreEqual(0, again.ExitCode, again.Errors);
        Assert.AreEqual(planned, (long)ToolProcess.Run("inspect", twice, "--json").Json()["parameters"]!);
    }

    [TestMethod]
    public void Prune_OptionsThatDoNotFit_AreRefused()
    {
        Run("--method", "shortgpt", "--drop-layers", "1", "--ratio", "0.5").ExpectRefusal("--ratio", "--drop-layers");
        Run("--method", "shortgpt", "--drop-layers", "0..1").ExpectRefusal("--drop-layers", "0..1", "number");
        Run("--method", "depth", "--drop-layers", "1,x").ExpectRefusal("--drop-layers", "\"x\"");
        Run("--method", "depth", "--drop-layers", "7").ExpectRefusal("7", "0..1");
        Run("--method", "depth", "--ratio", "0.5").ExpectRefusal("--drop-last");
        Run("--method", "slicegpt", "--orientation", "up").ExpectRefusal("--orientation", "\"up\"", "random");
        Run("--method", "slicegpt", "--sparsity", "0.5").ExpectRefusal("--sparsity", "--ratio");
    }

    private ToolProcess Run(params string[] options) => ToolProcess.Run(
        ["prune", _model.Folder, "--output", Path.Combine(_folder, "out"), .. options, .. _calibration]);
}
