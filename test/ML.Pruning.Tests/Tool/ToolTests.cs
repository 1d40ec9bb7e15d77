using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>The tool's contract on a tiny model: commands, JSON, exit codes.</summary>
[TestClass]
public sealed class ToolTests
{
    private ToolFolder _folder = null!;

    [TestInitialize]
    public void CreateModel() => _folder = new ToolFolder();

    [TestCleanup]
    public void DeleteModel() => _folder.Dispose();

    [TestMethod]
    public void Inspect_Folder_CountsParameters()
    {
        JsonObject json = ToolProcess.Run("inspect", _folder.Model, "--json").Json();
        Assert.AreEqual("llama", (string?)json["family"]);
        Assert.AreEqual(2, (int?)json["layers"]);
        Assert.AreEqual(TinyModel.Spec.ParameterCount, (long?)json["parameters"]);
        Assert.AreEqual(4 * TinyModel.Spec.ParameterCount, (long?)json["bytes"]);
        Assert.AreEqual(TinyModel.Spec.Parameters().Count(), json["tensors"]!.AsArray().Count);
    }

    [TestMethod]
    public void Plan_BareConfig_NeedsNoWeights()
    {
        string config = _folder["any.json"];
        File.Copy(Path.Combine(_folder.Model, "config.json"), config);
        JsonObject json = ToolProcess.Run("plan", config, "--method", "wanda", "--pattern", "2:4", "--json").Json();
        Assert.AreEqual(TinyModel.Spec.ParameterCount, (long?)json["parameters"]!["before"]);
        Assert.AreEqual(64, (int?)json["macs"]!["tokens"]);
        Assert.AreEqual(TinyModel.Spec.MultiplyAccumulates(64), (long?)json["macs"]!["before"]);
        Assert.HasCount(2, json["layers"]!.AsArray());
        Assert.IsGreaterThan(0, (long)json["peakMemoryBytes"]!);
    }

    [TestMethod]
    public void PruneEvalExport_FolderAndZip_GiveTheSamePerplexity()
    {
        string pruned = _folder["pruned"], zip = _folder["pruned.zip"];
        string report = _folder["report.json"];
        Assert.AreEqual(0, ToolProcess.Run(["prune", _folder.Model, "--output", pruned, "--method", "wanda",
            "--report", report, .. _folder.Calibration]).ExitCode);
        Assert.AreEqual(0, ToolProcess.Run(["prune", _folder.Model, "--output", zip, "--method", "wanda",
            .. _folder.Calibration]).ExitCode);
        string exported = _folder["exported"];
        Assert.AreEqual(0, ToolProcess.Run(
            "export", zip, "--format", "safetensors", "--output", exported, "--compressed").ExitCode);

        JsonObject first = Eval(pruned);
        Assert.AreEqual(16, (int?)first["sequenceLength"]);
        Assert.AreEqual("onnx", (string?)first["engine"]);
        Assert.AreEqual((double)first["perplexity"]!, Math.Exp((double)first["meanNegativeLogLikelihood"]!), 1e-9);
        Assert.AreEqual(first.ToJsonString(), Eval(zip).ToJsonString());
        Assert.AreEqual(first.ToJsonString(), Eval(exported).ToJsonString());
        Assert.AreNotEqual(first.ToJsonString(), Eval(_folder.Model).ToJsonString());
        using JsonDocument written = JsonDocument.Parse(File.ReadAllText(report));
        Assert.AreEqual("wanda", written.RootElement.GetProperty("method").GetString());
        long zeros = (long)ToolProcess.Run("inspect", pruned, "--json").Json()["zeros"]!;
        Assert.AreEqual(TinyModel.Spec.Layers.Select((_, i) => TinyModel.Spec.Linears(i))
            .SelectMany(l => l).Sum(l => (long)l.OutFeatures * (l.InFeatures / 2)), zeros);
    }

    [TestMethod]
    public void Quantize_PruneEvalExport_GiveTheSamePerplexity()
    {
        string small = _folder["small"], zip = _folder["small.zip"];
        string floats = _folder["floats"];
        string[] prune = ["prune", _folder.Model, "--method", "wanda", "--quantize", "int8", .. _folder.Calibration,
            "--output"];
        JsonObject report = ToolProcess.Run([.. prune, small, "--json"]).Json();
        Assert.AreEqual("int8", (string?)report["tensors"]![0]!["grid"]);
        Assert.AreEqual(0, ToolProcess.Run("export", small, "--format", "zip", "--output", zip).ExitCode);
        Assert.AreEqual(0, ToolProcess.Run(
            "export", zip, "--format", "safetensors", "--output", floats, "--dequantize").ExitCode);

        string first = Eval(small).ToJsonString();
        Assert.AreEqual(first, Eval(zip).ToJsonString());
        Assert.AreEqual(first, Eval(floats).ToJsonString());
        JsonObject plan = ToolProcess.Run(
            "plan", small, "--method", "wanda", "--quantize", "int8", "--json").Json();
        JsonObject inspected = ToolProcess.Run("inspect", small, "--json").Json();
        Assert.AreEqual((long)plan["bytes"]!["after"]!, (long)inspected["bytes"]!);
        Assert.AreEqual(4 * TinyModel.Spec.ParameterCount,
            (long)ToolProcess.Run("inspect", floats, "--json").Json()["bytes"]!);
    }

    [TestMethod]
    public void Quantize_UnknownGridOrNoGrid_IsRefused()
    {
        string output = _folder["out"];
        ToolProcess.Run("prune", _folder.Model, "--output", output, "--method", "magnitude", "--quantize", "int5")
            .ExpectRefusal("'int5'", "int4:gN");
        ToolProcess.Run("prune", _folder.Model, "--output", output, "--method", "round-to-nearest")
            .ExpectRefusal("--quantize");
        ToolProcess.Run("prune", _folder.Model, "--output", output, "--method", "round-to-nearest", "--quantize",
            "int8", "--sparsity", "0.5").ExpectRefusal("removes no weights");
    }

    [TestMethod]
    public void Generate_SamplingAndStops_PrintsTheTextAlone()
    {
        string[] args = ["generate", _folder.Model, "--prompt", "Once", "--max-new-tokens", "30",
            "--temperature", "1.5", "--top-k", "100", "--top-p", "0.99", "--min-p", "0.001", "--repetition-penalty",
            "1.1", "--seed", "3"];
        ToolProcess whole = ToolProcess.Run(args);
        Assert.AreEqual(0, whole.ExitCode, whole.Errors);
        string text = whole.Output.TrimEnd('\n');
        string stop = text.Substring(text.Length - 3, 2);
        ToolProcess cut = ToolProcess.Run([.. args, "--stop", "never", "--stop", stop]);
        Assert.AreEqual(text[..text.IndexOf(stop, 4, StringComparison.Ordinal)] + "\n", cut.Output);
        Assert.AreEqual("", cut.Errors);
    }

    [TestMethod]
    [DataRow("--top-k", "-1", "Top-k is -1")]
    [DataRow("--top-p", "0", "Top-p is 0")]
    [DataRow("--min-p", "2", "Min-p is 2")]
    [DataRow("--repetition-penalty", "0", "repetition penalty is 0")]
    [DataRow("--stop", "", "stop sequence is empty")]
    public void Generate_OptionOutOfRange_IsRefused(string option, string value, string expected) =>
        ToolProcess.Run("generate", _folder.Model, option, value).ExpectRefusal(expected);

    [TestMethod]
    public void Generate_SamePromptAndSeed_SameText()
    {
        string[] args = ["generate", _folder.Model, "--prompt", "Once", "--max-new-tokens", "5", "--temperature", "1"];
        ToolProcess first = ToolProcess.Run(args);
        Assert.AreEqual(0, first.ExitCode, first.Errors);
        StringAssert.StartsWith(first.Output, "Once");
        Assert.AreEqual(first.Output, ToolProcess.Run(args).Output);
    }

    [TestMethod]
    public void Prune_IntoExistingOutput_IsRefusedUnlessForced()
    {
        string output = _folder["out"];
        string[] args = ["prune", _folder.Model, "--output", output, "--method", "magnitude"];
        Assert.AreEqual(0, ToolProcess.Run(args).ExitCode);
        ToolProcess.Run(args).ExpectRefusal("--output", "exists already", "--force");
        Assert.AreEqual(0, ToolProcess.Run([.. args, "--force"]).ExitCode);
    }

    [TestMethod]
    public void Prune_OutputBelowAFile_IsRefused() => ToolProcess.Run("prune", _folder.Model, "--output",
        Path.Combine(_folder.Text, "out"), "--method", "magnitude").ExpectRefusal("--output");

    [TestMethod]
    [DataRow("1")]
    [DataRow("-0.1")]
    [DataRow("NaN")]
    public void Prune_SparsityOutOfRange_IsRefused(string sparsity) => Refused(
        ["--method", "magnitude", "--sparsity", sparsity], "sparsity");

    [TestMethod]
    public void Prune_PatternThatDisagreesWithSparsity_IsRefused() =>
        Refused(["--method", "magnitude", "--pattern", "2:4", "--sparsity", "0.7"], "2:4", "0.7");

    [TestMethod]
    public void Prune_PatternThatDoesNotDivide_NamesTheTensor() =>
        Refused(["--method", "magnitude", "--pattern", "1:5"], "layers.0.self_attn.q_proj.weight", "5");

    [TestMethod]
    public void Prune_UnknownWords_AreRefused()
    {
        Refused(["--method", "guess"], "--method", "guess", "wanda");
        Refused(["--method", "magnitude", "--group", "column"], "--group", "column", "row");
        Refused(["--method", "magnitude", "--pattern", "2/4"], "2/4", "2:4");
        Refused(["--method", "magnitude", "--colour", "red"], "--colour");
        Refused(["--method", "wanda"], "--calibration");
    }

    [TestMethod]
    public void Prune_UnusableCalibration_IsRefused()
    {
        string empty = _folder["empty.txt"], noText = _folder["no.jsonl"];
        File.WriteAllText(empty, "");
        File.WriteAllText(noText, "{\"story\": 1}\n");
        Refused(["--method", "wanda", "--calibration", empty, "--sequence-length", "16"], "16");
        Refused(["--method", "wanda", "--calibration", noText], "line 1", "text");
        Refused(["--method", "wanda", "--calibration", _folder["missing.txt"]], "missing.txt");
        Refused(["--method", "wanda", "--calibration", _folder.Text, "--sequence-length", "65"], "65", "64");
    }

    [TestMethod]
    public void Model_Unusable_IsRefused()
    {
        ToolProcess.Run("inspect", _folder["nowhere"]).ExpectRefusal("nowhere");
        ToolProcess.Run("inspect", _folder.Root).ExpectRefusal("config.json");
        string config = Path.Combine(_folder.Model, "config.json");
        string good = File.ReadAllText(config);
        File.WriteAllText(config, good.Replace("\"llama\"", "\"lama\""));
        ToolProcess.Run("inspect", _folder.Model).ExpectRefusal("lama", "llama");
        File.WriteAllText(config, "{");
        ToolProcess.Run("inspect", _folder.Model).ExpectRefusal("config.json");
        File.WriteAllText(config, good);
        string weights = Path.Combine(_folder.Model, "model.safetensors");
        using (FileStream stream = File.OpenWrite(weights)) stream.SetLength(stream.Length - 5);
        ToolProcess.Run("inspect", _folder.Model).ExpectRefusal("model.safetensors");
    }

    [TestMethod]
    public void Zip_CorruptedOrTruncated_IsRefused()
    {
        string zip = _folder["model.zip"];
        Assert.AreEqual(0, ToolProcess.Run("export", _folder.Model, "--format", "zip", "--output", zip).ExitCode);
        byte[] good = File.ReadAllBytes(zip);
        File.WriteAllBytes(zip, good[..(good.Length / 2)]);
        ToolProcess.Run("inspect", zip).ExpectRefusal("model.zip");
        File.WriteAllBytes(zip, [.. "This is no zip."u8]);
        ToolProcess.Run("inspect", zip).ExpectRefusal("model.zip");
    }

    [TestMethod]
    public void Eval_LengthOutOfRangeOrUnknownEngine_IsRefused()
    {
        ToolProcess.Run("eval", _folder.Model, "--data", _folder.Text, "--sequence-length", "1").ExpectRefusal("1");
        ToolProcess.Run("eval", _folder.Model, "--data", _folder.Text, "--sequence-length", "65")
            .ExpectRefusal("65", "64");
        ToolProcess.Run("eval", _folder.Model, "--data", _folder.Text, "--engine", "gpu").ExpectRefusal("gpu", "torch");
    }

    [TestMethod]
    [OSCondition(ConditionMode.Exclude, OperatingSystems.Windows)]
    public void Prune_Interrupted_StopsCleanlyAndLeavesNothing()
    {
        string endless = _folder["long.txt"], output = _folder["interrupted"];
        File.WriteAllLines(endless, Enumerable.Repeat(TinyModel.Texts[0], 60_000));
        ToolProcess result = ToolProcess.RunAndInterrupt("prune", _folder.Model, "--output", output,
            "--method", "wanda", "--calibration", endless, "--calibration-samples", "1000000",
            "--sequence-length", "16");
        Assert.AreEqual(1, result.ExitCode, result.Errors);
        StringAssert.Contains(result.Errors, "Stopped");
        Assert.HasCount(3, Directory.EnumerateFileSystemEntries(_folder.Root).ToArray());
    }

    private void Refused(string[] options, params string[] mentioned)
    {
        string output = _folder["refused"];
        ToolProcess.Run(["prune", _folder.Model, "--output", output, .. options]).ExpectRefusal(mentioned);
        Assert.IsFalse(Directory.Exists(output));
        Assert.HasCount(0, Directory.EnumerateFileSystemEntries(_folder.Root, "*refused*").ToArray());
    }

    private JsonObject Eval(string model) =>
        ToolProcess.Run("eval", model, "--data", _folder.Text, "--sequence-length", "16", "--json").Json();
}
