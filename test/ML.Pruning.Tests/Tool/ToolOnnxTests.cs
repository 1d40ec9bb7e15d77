using System.Text.Json.Nodes;
using ML.Pruning.Tests.Checkpoints;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>The tool's ONNX side: <c>export --format onnx</c> and <c>--engine onnx</c>.</summary>
[TestClass]
public sealed class ToolOnnxTests
{
    [TestMethod]
    public void Export_OnnxFolderAndFile_AreWrittenOnce()
    {
        using var model = new TinyModel();
        using var folder = new TestFolder();
        foreach (string name in (string[])["out", "out.onnx"])
        {
            string[] args = ["export", model.Folder, "--format", "onnx", "--output", folder[name]];
            ToolProcess run = ToolProcess.Run(args);
            Assert.AreEqual(0, run.ExitCode, run.Errors);
            ToolProcess.Run(args).ExpectRefusal(name, "--force");
        }

        CollectionAssert.AreEqual(new[] { "out", "out.onnx" }, folder.Names);
        ToolProcess.Run("export", model.Folder, "--format", "onnx", "--output", folder["x"], "--compressed")
            .ExpectRefusal("--compressed");
    }

    [TestMethod]
    public void Bench_Model_TellsSpeedsAndLayers()
    {
        using var model = new TinyModel();

        ToolProcess run = ToolProcess.Run("bench", model.Folder, "--json", "--repeats", "1", "--new-tokens", "4", "--profile");

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        JsonObject result = JsonNode.Parse(run.Output)!.AsObject();
        Assert.IsGreaterThan(0, (double)result["prefillTokensPerSecond"]!);
        Assert.IsGreaterThan(0, (double)result["decodeTokensPerSecond"]!);
        Assert.IsGreaterThan(0, (double)result["dense"]!["decodeTokensPerSecond"]!);
        Assert.AreEqual("measured", (string?)result["choice"]);
        foreach (string part in (string[])["prefill", "decode"])
        {
            JsonArray profile = result["profile"]![part]!.AsArray();
            Assert.AreEqual(1, profile.Sum(time => (double)time!["share"]!), 1e-9);
            JsonNode attention =
                profile.Single(time => ((string)time!["operator"]!).Contains("Softmax", StringComparison.Ordinal))!;
            Assert.AreEqual(2, (int)attention["nodes"]!, "The model has two layers.");
        }

        JsonArray layers = result["layers"]!.AsArray();
        Assert.IsTrue(layers.All(layer => (string?)layer!["kernel"] == "dense" && layer["why"] is not null));
    }

    [TestMethod]
    public void ExportAndBench_OnnxFileOfAnotherExporter_TellWhatRunsWhere()
    {
        using var folder = new TestFolder();
        PrunedOnnx.Write(PrunedOnnx.Find("ch_ppocr_mobile_v2.0_cls_infer.onnx"), folder["pruned.onnx"], 0.8);

        ToolProcess export = ToolProcess.Run(
            "export", folder["pruned.onnx"], "--format", "onnx", "--output", folder["sparse.onnx"]);
        ToolProcess bench = ToolProcess.Run("bench", folder["pruned.onnx"], "--shape", "x:1x3x48x192", "--json", "--profile");

        Assert.AreEqual(0, export.ExitCode, export.Errors);
        Assert.IsTrue(File.Exists(folder["sparse.onnx"]));
        Assert.AreEqual(0, bench.ExitCode, bench.Errors);
        JsonObject result = JsonNode.Parse(bench.Output)!.AsObject();
        Assert.IsLessThan(1e-4, (double)result["difference"]!);
        Assert.IsGreaterThan(0, (double)result["ratio"]!);
        JsonArray nodes = result["nodes"]!.AsArray();
        Assert.IsTrue(nodes.Any(node => (bool)node!["packed"]!));
        Assert.IsTrue(nodes.All(node => node!["why"] is not null));
        JsonArray profile = result["profile"]!.AsArray();
        Assert.AreEqual(1, profile.Sum(time => (double)time!["share"]!), 1e-9);
        Assert.AreEqual(nodes.Count(node => (bool)node!["packed"]! && (string?)node["operator"] == "Conv"),
            (int)profile.Single(time => (string?)time!["operator"] == "SparseConv")!["nodes"]!);
        ToolProcess.Run("bench", folder["pruned.onnx"], "--shape", "x:1x3", "--shape", "nothing")
            .ExpectRefusal("--shape");
    }

    [TestMethod]
    [DataRow("f32", 1e-4)]
    [DataRow("int8", 0.05)]
    public void Export_WithData_ComparesPerplexities(string kernels, double tolerance)
    {
        using var model = new TinyModel();
        using var folder = new TestFolder();
        File.WriteAllLines(folder["text.jsonl"],
            TinyModel.Texts.Select(text => new JsonObject { ["text"] = text }.ToJsonString()));

        ToolProcess run = ToolProcess.Run("export", model.Folder, "--format", "onnx", "--output", folder["out"],
            "--sparse-kernels", kernels, "--data", folder["text.jsonl"], "--sequence-length", "32", "--json");

        Assert.AreEqual(0, run.ExitCode, run.Errors);
        JsonNode perplexity = JsonNode.Parse(run.Output)!["perplexity"]!;
        double expected = (double)perplexity["model"]!, found = (double)perplexity["export"]!;
        Assert.AreEqual(expected, found, tolerance * expected);
        Assert.AreEqual(kernels == "int8", Math.Abs(expected - found) > 1e-4 * expected, $"{expected}, {found}");
    }

    [TestMethod]
    public void Eval_BothEngines_GiveTheSamePerplexity()
    {
        using var model = new TinyModel();
        using var folder = new TestFolder();
        File.WriteAllLines(folder["text.jsonl"],
            TinyModel.Texts.Select(text => new JsonObject { ["text"] = text }.ToJsonString()));
        JsonObject torch = Evaluate("torch"), onnx = Evaluate("onnx");
        Assert.AreEqual("onnx", (string?)onnx["engine"]);
        Assert.AreEqual((double)torch["perplexity"]!, (double)onnx["perplexity"]!, 1e-5 * (double)torch["perplexity"]!);

        JsonObject Evaluate(string engine) => ToolProcess.Run("eval", model.Folder, "--data", folder["text.jsonl"],
            "--sequence-length", "32", "--engine", engine, "--json").Json();
    }
}
