using System.Text.Json.Nodes;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Tool;

/// <summary>A tiny model and a text, in a temporary folder with room for what the tool writes.</summary>
internal sealed class ToolFolder : IDisposable
{
    private readonly TinyModel _model = new();
    private readonly string _folder;

    public ToolFolder()
    {
        _folder = Path.GetDirectoryName(_model.Folder)!;
        Text = this["text.jsonl"];
        File.WriteAllLines(Text, Enumerable.Repeat(TinyModel.Texts, 3).SelectMany(t => t)
            .Select(t => new JsonObject { ["text"] = t }.ToJsonString()));
        Calibration = ["--calibration", Text, "--calibration-samples", "4", "--sequence-length", "16"];
    }

    /// <summary>The model's folder.</summary>
    public string Model => _model.Folder;

    /// <summary>A .jsonl of eighteen documents, six and these again.</summary>
    public string Text { get; }

    /// <summary>Arguments for four short windows of the text.</summary>
    public string[] Calibration { get; }

    /// <summary>The folder that holds model, text and what the tool writes.</summary>
    public string Root => _folder;

    /// <summary>A place in the folder.</summary>
    public string this[string name] => Path.Combine(_folder, name);

    /// <summary>Prunes the model into "out".</summary>
    public ToolProcess Prune(params string[] options) =>
        ToolProcess.Run(["prune", Model, "--output", this["out"], .. options, .. Calibration]);

    /// <summary>Plans and prunes with options that make the model smaller, and checks that plan, report and folder tell
    /// the same counts, and that the folder is evaluated and generates.</summary>
    /// <param name="output">The folder to write.</param>
    /// <param name="options">Options of both commands.</param>
    /// <returns>The report's part about the structure.</returns>
    public JsonObject PruneAsPlanned(string output, params string[] options)
    {
        JsonObject plan = ToolProcess.Run(["plan", Model, "--json", .. options]).Json();
        string page = this["report.json"];
        JsonObject report = ToolProcess.Run(
            ["prune", Model, "--output", output, "--json", "--report", page, .. options, .. Calibration]).Json();
        Assert.AreEqual(report.ToJsonString(), JsonNode.Parse(File.ReadAllText(page))!.ToJsonString());
        JsonObject structure = report["structure"]!.AsObject();
        foreach (string count in (string[])["parameters", "macs"])
            foreach (string when in (string[])["before", "after"])
                Assert.AreEqual((long)plan[count]![when]!, (long)structure[count]![when]!, $"{count} {when}");
        using (LanguageModel smaller = HuggingFaceModel.Open(output))
        {
            Assert.AreEqual((long)plan["parameters"]!["after"]!, smaller.Spec.ParameterCount);
            Assert.AreEqual((long)plan["macs"]!["after"]!, smaller.Spec.MultiplyAccumulates(64));
        }

        double perplexity = (double)ToolProcess.Run(
            "eval", output, "--data", Text, "--sequence-length", "16", "--json").Json()["perplexity"]!;
        Assert.IsTrue(double.IsFinite(perplexity));
        ToolProcess generated = ToolProcess.Run("generate", output, "--prompt", "a", "--max-new-tokens", "3");
        Assert.AreEqual(0, generated.ExitCode, generated.Errors);
        return structure;
    }

    /// <summary>Checks that a trained model has the zeros that the report of its training tells.</summary>
    public static void AssertZeros(JsonObject report, string output)
    {
        JsonObject inspected = ToolProcess.Run("inspect", output, "--json").Json();
        var zeros = inspected["tensors"]!.AsArray().ToDictionary(t => (string)t!["name"]!, t => (long)t!["zeros"]!);
        foreach (JsonNode? tensor in report["tensors"]!.AsArray())
            Assert.AreEqual(zeros[(string)tensor!["name"]!], (long)tensor["zerosAfter"]!, (string)tensor["name"]!);
    }

    public void Dispose() => _model.Dispose();
}
