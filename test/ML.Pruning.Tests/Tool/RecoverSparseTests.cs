using System.Text.Json.Nodes;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary><c>mlprune recover --method sparse</c>: zeros, teacher, schedules, refusals.</summary>
[TestClass]
public sealed class RecoverSparseTests
{
    private TinyModel _model = null!;
    private string _folder = null!;
    private string _text = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel();
        _folder = Directory.CreateTempSubdirectory("ml-pruning-tool-").FullName;
        _text = Path.Combine(_folder, "text.jsonl");
        File.WriteAllLines(_text, Enumerable.Repeat(TinyModel.Texts, 3).SelectMany(t => t)
            .Select(text => new JsonObject { ["text"] = text }.ToJsonString()));
    }

    [TestCleanup]
    public void DeleteModel()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    public void Recover_PrunedModelAndTeacher_WritesTheSparsityThatItReports()
    {
        string pruned = Path.Combine(_folder, "pruned"), output = Path.Combine(_folder, "out.zip");
        ToolProcess.Run("prune", _model.Folder, "--output", pruned, "--method", "magnitude", "--sparsity", "0.6", "--json")
            .Json();
        JsonObject report = ToolProcess.Run("recover", pruned, "--method", "sparse", "--train", _text, "--teacher",
            _model.Folder, "--kl", "0.5", "--steps", "4", "--batch-size", "2", "--sequence-length", "16",
            "--output", output, "--json").Json();
        Assert.AreEqual(0.6, (double)report["sparsity"]!, 0.01);
        Assert.AreEqual(4, (int)report["stepsDone"]!);
        AssertZeros(report, output);
    }

    [TestMethod]
    public void Recover_Schedule_PrunesADenseModelWhileItTrains()
    {
        string output = Path.Combine(_folder, "out");
        JsonObject report = ToolProcess.Run("recover", _model.Folder, "--method", "sparse", "--train", _text,
            "--sparsity", "0.9", "--schedule", "exponential:3", "--steps", "6", "--batch-size", "2",
            "--sequence-length", "16", "--output", output, "--json").Json();
        Assert.AreEqual(0.9, (double)report["sparsity"]!, 0.01);
        AssertZeros(report, output);
    }

    [TestMethod]
    [DataRow("rigl", "--sparsity", "0.8", "--prune", "random", "--allocation", "erk")]
    [DataRow("lottery", "--sparsity", "0.8", "--rounds", "2")]
    public void Recover_MasksThatMove_EndAtTheSparsity(string method, params string[] options)
    {
        string output = Path.Combine(_folder, "out.zip"), page = Path.Combine(_folder, "run.html");
        JsonObject report = ToolProcess.Run(["recover", _model.Folder, "--method", method, "--train", _text, "--steps", "6",
            "--batch-size", "2", "--sequence-length", "16", "--output", output, "--json", "--report", page, .. options]).Json();
        StringAssert.Contains(File.ReadAllText(page), "<td>run</td><td>6 of 6</td>");
        Assert.AreEqual(0.8, (double)report["sparsity"]!, 0.01);
        AssertZeros(report, output);
    }

    [TestMethod]
    public void Recover_MovementOnStories_EndsAtTheSparsity()
    {
        string model = RepositoryFiles.Shared("models", "stories260K");
        string output = Path.Combine(_folder, "out");
        JsonObject report = ToolProcess.Run("recover", model, "--method", "movement", "--sparsity", "0.7", "--train",
            RepositoryFiles.Shared("data", "stories.valid.jsonl"), "--steps", "8", "--batch-size", "2", "--sequence-length",
            "64", "--validation-examples", "8", "--output", output, "--json").Json();
        Assert.AreEqual(0.7, (double)report["sparsity"]!, 1e-3);
        Assert.AreEqual(8, (int)report["bestStep"]!);
        AssertZeros(report, output);
    }

    [TestMethod]
    public void Recover_BadOptions_AreRefused()
    {
        string output = Path.Combine(_folder, "out");
        string[] start = ["recover", _model.Folder, "--method", "sparse", "--train", _text, "--output", output,
            "--sequence-length", "16"];
        ToolProcess.Run(start).ExpectRefusal("no zeros to keep");
        ToolProcess.Run([.. start, "--schedule", "quartic"]).ExpectRefusal("quartic", "cubic");
        ToolProcess.Run(["recover", _model.Folder, "--method", "soft-movement", "--sparsity", "0.5", .. start[4..]])
            .ExpectRefusal("soft-movement has no use for --sparsity");
        ToolProcess.Run(["recover", _model.Folder, "--method", "walk", .. start[4..]]).ExpectRefusal("walk", "edge-popup");
        Assert.IsFalse(Path.Exists(output));
    }

    private static void AssertZeros(JsonObject report, string output)
    {
        JsonObject inspected = ToolProcess.Run("inspect", output, "--json").Json();
        var zeros = inspected["tensors"]!.AsArray().ToDictionary(t => (string)t!["name"]!, t => (long)t!["zeros"]!);
        foreach (JsonNode? tensor in report["tensors"]!.AsArray())
            Assert.AreEqual(zeros[(string)tensor!["name"]!], (long)tensor["zerosAfter"]!, (string)tensor["name"]!);
    }
}
