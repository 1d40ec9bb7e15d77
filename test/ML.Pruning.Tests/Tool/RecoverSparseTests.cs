using System.Text.Json.Nodes;

namespace ML.Pruning.Tests.Tool;

/// <summary><c>mlprune recover --method sparse</c>: zeros, teacher, schedules, refusals.</summary>
[TestClass]
public sealed class RecoverSparseTests
{
    private ToolFolder _folder = null!;

    [TestInitialize]
    public void CreateModel() => _folder = new ToolFolder();

    [TestCleanup]
    public void DeleteModel() => _folder.Dispose();

    [TestMethod]
    public void Recover_PrunedModelAndTeacher_WritesTheSparsityThatItReports()
    {
        string pruned = _folder["pruned"], output = _folder["out.zip"];
        ToolProcess.Run(
            "prune", _folder.Model, "--output", pruned, "--method", "magnitude", "--sparsity", "0.6", "--json")
            .Json();
        JsonObject report = ToolProcess.Run("recover", pruned, "--method", "sparse", "--train", _folder.Text,
            "--teacher", _folder.Model, "--kl", "0.5", "--steps", "4", "--batch-size", "2", "--sequence-length", "16",
            "--output", output, "--json").Json();
        Assert.AreEqual(0.6, (double)report["sparsity"]!, 0.01);
        Assert.AreEqual(4, (int)report["stepsDone"]!);
        ToolFolder.AssertZeros(report, output);
    }

    [TestMethod]
    public void Recover_Schedule_PrunesADenseModelWhileItTrains()
    {
        string output = _folder["out"];
        JsonObject report = ToolProcess.Run("recover", _folder.Model, "--method", "sparse", "--train", _folder.Text,
            "--sparsity", "0.9", "--schedule", "exponential:3", "--steps", "6", "--batch-size", "2",
            "--sequence-length", "16", "--output", output, "--json").Json();
        Assert.AreEqual(0.9, (double)report["sparsity"]!, 0.01);
        ToolFolder.AssertZeros(report, output);
    }

    [TestMethod]
    [DataRow("rigl", "--sparsity", "0.8", "--prune", "random", "--allocation", "erk")]
    [DataRow("lottery", "--sparsity", "0.8", "--rounds", "2")]
    public void Recover_MasksThatMove_EndAtTheSparsity(string method, params string[] options)
    {
        string output = _folder["out.zip"], page = _folder["run.html"];
        JsonObject report = ToolProcess.Run(["recover", _folder.Model, "--method", method, "--train", _folder.Text,
            "--steps", "6", "--batch-size", "2", "--sequence-length", "16", "--output", output, "--json", "--report",
            page, .. options]).Json();
        StringAssert.Contains(File.ReadAllText(page), "<td>run</td><td>6 of 6</td>");
        Assert.AreEqual(0.8, (double)report["sparsity"]!, 0.01);
        ToolFolder.AssertZeros(report, output);
    }

    [TestMethod]
    public void Recover_MovementOnStories_EndsAtTheSparsity()
    {
        string model = RepositoryFiles.Shared("models", "stories260K");
        string output = _folder["out"];
        JsonObject report = ToolProcess.Run("recover", model, "--method", "movement", "--sparsity", "0.7", "--train",
            RepositoryFiles.Shared("data", "stories.valid.jsonl"), "--steps", "8", "--batch-size", "2",
            "--sequence-length", "64", "--validation-examples", "8", "--output", output, "--json").Json();
        Assert.AreEqual(0.7, (double)report["sparsity"]!, 1e-3);
        Assert.AreEqual(8, (int)report["bestStep"]!);
        ToolFolder.AssertZeros(report, output);
    }

    [TestMethod]
    public void Recover_BadOptions_AreRefused()
    {
        string output = _folder["out"];
        string[] start = ["recover", _folder.Model, "--method", "sparse", "--train", _folder.Text, "--output", output,
            "--sequence-length", "16"];
        ToolProcess.Run(start).ExpectRefusal("no zeros to keep");
        ToolProcess.Run([.. start, "--schedule", "quartic"]).ExpectRefusal("quartic", "cubic");
        ToolProcess.Run(["recover", _folder.Model, "--method", "soft-movement", "--sparsity", "0.5", .. start[4..]])
            .ExpectRefusal("soft-movement has no use for --sparsity");
        ToolProcess.Run(["recover", _folder.Model, "--method", "walk", .. start[4..]])
            .ExpectRefusal("walk", "edge-popup");
        Assert.IsFalse(Path.Exists(output));
    }
}
