using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace ML.Pruning.Tests.Tool;

/// <summary>What the tool tells about a run: JSON, pages, perplexities, and the sparsities that an allocation
/// chose.</summary>
[TestClass]
public sealed class ToolReportTests
{
    private ToolFolder _folder = null!;

    [TestInitialize]
    public void CreateModel() => _folder = new ToolFolder();

    [TestCleanup]
    public void DeleteModel() => _folder.Dispose();

    [TestMethod]
    public void Prune_AllocationThatWasSaved_GivesTheSameModelAndReport()
    {
        string measured = _folder["measured"], again = _folder["again"];
        string file = _folder["chosen.json"], page = _folder["measured.html"];
        string first = _folder["measured.json"], second = _folder["again.json"];
        Prune(measured, "--allocation", "sensitivity-error", "--save-allocation", file, "--evaluate", _folder.Text,
            "--report", first, "--report", page);
        Prune(again, "--allocation", file, "--report", second);
        CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(measured, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(again, "model.safetensors")));
        JsonObject chosen = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        Assert.IsGreaterThan(1, chosen.Select(c => (double)c.Value!).Distinct().Count());

        JsonObject told = JsonNode.Parse(File.ReadAllText(first))!.AsObject();
        Assert.AreEqual((double)chosen.First().Value!, (double)told["tensors"]![0]!["target"]!);
        Assert.IsGreaterThan(1, (double)told["perplexity"]!["before"]!);
        Assert.AreNotEqual((double)told["perplexity"]!["before"]!, (double)told["perplexity"]!["after"]!);
        Assert.IsTrue(told["notes"]!.AsArray().Any(n => ((string)n!).StartsWith("No speed", StringComparison.Ordinal)));
        AssertPage(page, "measured", ((double)told["perplexity"]!["after"]!).ToString("G4"));

        string both = _folder["both.html"];
        Assert.AreEqual(0, ToolProcess.Run("report", first, second, "--output", both).ExitCode);
        AssertPage(both, "measured", "again");
        ToolProcess.Run("report", first, "--output", both).ExpectRefusal("both.html", "--force");
    }

    [TestMethod]
    public void Prune_OptionsForZerosWithASmallerModel_AreRefused()
    {
        foreach (string[] option in (string[][])[["--resume"], ["--save-allocation", "x.json"]])
        {
            ToolProcess.Run(["prune", _folder.Model, "--output", _folder["out"], "--method", "flap",
                "--calibration", _folder.Text, .. option]).ExpectRefusal(option[0], "flap");
        }
    }

    private static void AssertPage(string path, params string[] mentioned)
    {
        string page = File.ReadAllText(path);
        foreach (string text in mentioned) StringAssert.Contains(page, text);
        StringAssert.Contains(page, "<svg");
        Assert.IsFalse(Regex.IsMatch(page, "https?:|src=|<script|<link|@import|url\\("), "The page loads something.");
    }

    private void Prune(string output, params string[] options)
    {
        ToolProcess pruned = ToolProcess.Run(["prune", _folder.Model, "--output", output, "--method", "wanda",
            "--calibration", _folder.Text, "--calibration-samples", "4", "--sequence-length", "16", .. options]);
        Assert.AreEqual(0, pruned.ExitCode, pruned.Errors);
    }
}
