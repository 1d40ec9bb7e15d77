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
