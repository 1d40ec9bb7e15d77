using System.Text.Json.Nodes;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary><c>recover --method lora</c> as a user runs it.</summary>
[TestClass]
public sealed class ToolLoraTests
{
    private static readonly string[] s_short =
    [
        "--batch-size", "2", "--sequence-length", "16", "--learning-rate", "0.02", "--validation-examples", "2",
    ];

    private TinyModel _model = null!;
    private string _folder = null!;

    [TestInitialize]
    public void CreateModel()
    {
        _model = new TinyModel();
        _folder = Directory.CreateTempSubdirectory("ml-pruning-tool-").FullName;
        File.WriteAllLines(Text, TinyModel.Texts.Select(t => new JsonObject { ["text"] = t }.ToJsonString()));
        Assert.AreEqual(0, ToolProcess.Run(
            "prune", _model.Folder, "--output", Pruned, "--method", "magnitude", "--sparsity", "0.5").ExitCode);
    }

    [TestCleanup]
    public void DeleteModel()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    public void Recover_Merged_IsACompleteModelWithEveryZero()
    {
        string output = Path.Combine(_folder, "recovered"), report = Path.Combine(_folder, "report.json");
        JsonObject told = Recover(output, "--report", report, "--json").Json();
        Assert.AreEqual(6, (int)told["stepsDone"]!);
        Assert.HasCount(7, told["curve"]!.AsArray());
        Assert.IsLessThan((double)told["initialLoss"]!, (double)told["bestLoss"]!);
        Assert.AreEqual(told.ToJsonString(), JsonNode.Parse(File.ReadAllText(report))!.ToJsonString());
        Assert.AreEqual((long)Inspect(Pruned)["zeros"]!, (long)Inspect(output)["zeros"]!);
        Assert.IsFalse(Directory.Exists(output + ".resume"));
        Assert.AreNotEqual(Perplexity(Pruned), Perplexity(output));
    }

    [TestMethod]
    public void Recover_AdapterKept_EveryCommandAppliesIt()
    {
        string merged = Path.Combine(_folder, "merged"), kept = Path.Combine(_folder, "kept");
        string zip = Path.Combine(_folder, "kept.zip");
        Assert.AreEqual(0, Recover(merged).ExitCode);
        Assert.AreEqual(0, Recover(kept, "--keep-adapter").ExitCode);
        Assert.AreEqual(0, Recover(zip, "--keep-adapter").ExitCode);
        CollectionAssert.AreEquivalent(new[] { "adapter_config.json", "adapter_model.safetensors" },
            Directory.GetFiles(Path.Combine(kept, "adapter")).Select(Path.GetFileName).ToArray());
        double expected = Perplexity(merged);
        Assert.AreEqual(expected, Perplexity(kept), 1e-6 * expected);
        Assert.AreEqual(expected, Perplexity(zip), 1e-6 * expected);
        string[] prompt = ["--prompt", "One", "--max-new-tokens", "5"];
        Assert.AreEqual(ToolProcess.Run(["generate", merged, .. prompt]).Output,
            ToolProcess.Run(["generate", kept, .. prompt]).Output);
        ToolProcess.Run(
            "recover", kept, "--output", Path.Combine(_folder, "again"), "--method", "lora", "--train", Text)
            .ExpectRefusal("has adapters already");
    }

    [TestMethod]
    public void Recover_Interrupted_GoesOnToTheSameModel()
    {
        string whole = Path.Combine(_folder, "whole"), output = Path.Combine(_folder, "output");
        string[] many = ["--steps", "150", "--checkpoint-interval", "5"];
        Assert.AreEqual(0, Recover(whole, many).ExitCode);
        ToolProcess stopped = ToolProcess.Run(Arguments(output, many), process =>
        {
            while (!process.HasExited && !Directory.Exists(output + ".resume")) Thread.Sleep(5);
            using var interrupt = System.Diagnostics.Process.Start("kill", ["-INT", $"{process.Id}"]);
            interrupt.WaitForExit();
        });
        if (stopped.ExitCode == 0) Assert.Inconclusive("The run was through before it could be interrupted.");
        Assert.AreEqual(1, stopped.ExitCode, stopped.Errors);
        StringAssert.Contains(stopped.Errors, "--resume goes on from");
        Assert.IsFalse(Directory.Exists(output));
        Assert.AreEqual(0, Recover(output, [.. many, "--resume"]).ExitCode);
        CollectionAssert.AreEqual(File.ReadAllBytes(Path.Combine(whole, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(output, "model.safetensors")));
    }

    [TestMethod]
    public void Recover_Pairs_AreLearned()
    {
        string pairs = Path.Combine(_folder, "pairs.jsonl"), output = Path.Combine(_folder, "output.zip");
        File.WriteAllLines(pairs, Enumerable.Range(0, 12).Select(
            i => new JsonObject { ["prompt"] = $"{i % 3}+1=", ["response"] = $"{i % 3 + 1}" }.ToJsonString()));
        JsonObject told = ToolProcess.Run(["recover", Pruned, "--output", output, "--method", "lora", "--train", pairs,
            .. s_short, "--steps", "6", "--json"]).Json();
        Assert.IsLessThan((double)told["initialLoss"]!, (double)told["bestLoss"]!);
    }

    [TestMethod]
    public void Recover_BadInput_IsRefused()
    {
        string output = Path.Combine(_folder, "output");
        Recover(output, "--rank", "0").ExpectRefusal("LoRA rank is 0");
        Recover(output, "--targets", "nothing").ExpectRefusal("nothing", "self_attn.q_proj");
        Recover(output, "--decay", "square").ExpectRefusal("--decay", "square");
        Recover(output, "--sequence-length", "100000").ExpectRefusal("sequence length is 100000");
        Assert.IsFalse(Directory.Exists(output));
        ToolProcess.Run("recover", Pruned, "--output", output, "--method", "magic", "--train", Text)
            .ExpectRefusal("--method", "magic");
        ToolProcess.Run("recover", Pruned, "--output", output, "--method", "lora", "--train", output)
            .ExpectRefusal(output);
    }

    private string Text => Path.Combine(_folder, "text.jsonl");

    private string Pruned => Path.Combine(_folder, "pruned");

    private ToolProcess Recover(string output, params string[] options) => ToolProcess.Run(Arguments(output, options));

    // Six steps unless the options say otherwise.
    private string[] Arguments(string output, string[] options) =>
    [
        "recover", Pruned, "--output", output, "--method", "lora", "--train", Text,
        .. options.Contains("--sequence-length") ? [] : s_short,
        .. options.Contains("--steps") ? Array.Empty<string>() : ["--steps", "6"], .. options,
    ];

    private static JsonObject Inspect(string model) => ToolProcess.Run("inspect", model, "--json").Json();

    private double Perplexity(string model) => (double)ToolProcess.Run(
        "eval", model, "--data", Text, "--sequence-length", "16", "--json").Json()["perplexity"]!;
}
