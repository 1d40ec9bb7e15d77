using System.CommandLine;
using ML.Pruning.Inference;

namespace ML.Pruning.Tool.Commands;

/// <summary>Arguments and options that several commands share. Each call makes a new one, because System.CommandLine
/// symbols belong to one command.</summary>
internal static class CommonOptions
{
    public static Argument<string> Model() => new("MODEL")
    {
        Description = "A Hugging Face folder (config.json, *.safetensors, tokenizer.json) or a saved .zip model.",
    };

    public static Option<bool> Json() => new("--json")
    {
        Description = "Print one JSON object on stdout.",
    };

    public static Option<bool> Force() => new("--force")
    {
        Description = "Replace the output if it exists.",
    };

    public static Option<string> Output() => new("--output", "-o")
    {
        Description = "Folder, or .zip file, to write.",
        Required = true,
    };

    public static Option<string?> Engine() => new("--engine")
    {
        Description = "What runs the model: torch or onnx (default: the best available).",
    };

    public static EngineKind ParseEngine(string? name) => name is null ? EngineKind.Auto : EngineFactory.Parse(name);
}
