using System.Text.Json.Nodes;
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
        File.WriteAllLines(Text, TinyModel.Texts.Select(t => new JsonObject { ["text"] = t }.ToJsonString()));
        Calibration = ["--calibration", Text, "--calibration-samples", "4", "--sequence-length", "16"];
    }

    /// <summary>The model's folder.</summary>
    public string Model => _model.Folder;

    /// <summary>A .jsonl of six documents.</summary>
    public string Text { get; }

    /// <summary>Arguments for four short windows of the text.</summary>
    public string[] Calibration { get; }

    /// <summary>A place in the folder.</summary>
    public string this[string name] => Path.Combine(_folder, name);

    /// <summary>Prunes the model into "out".</summary>
    public ToolProcess Prune(params string[] options) =>
        ToolProcess.Run(["prune", Model, "--output", this["out"], .. options, .. Calibration]);

    public void Dispose() => _model.Dispose();
}
