using System.CommandLine;
using ML.Pruning.Tool.Commands;

namespace ML.Pruning.Tool.Help;

/// <summary>What the options can be set to, for completion.</summary>
internal static class HelpValues
{
    private static readonly string[] s_files =
    [
        "--output", "--calibration", "--train", "--data", "--evaluate", "--report", "--save-statistics", "--statistics",
        "--mask", "--save-allocation", "--teacher",
    ];

    private static readonly Dictionary<string, string[]> s_values = new(StringComparer.Ordinal)
    {
        ["--pattern"] = ["unstructured", "2:4", "4:8", "block:16x4"],
        ["--group"] = ["row", "tile", "tensor", "layer", "model"],
        ["--allocation"] = ["uniform", "erk", "owl", "global", "sensitivity", "sensitivity-error"],
        ["--update"] = ["none", "sparsegpt", "least-squares", "bias"],
        ["--quantize"] = ["int8", "int4"],
        ["--calibration-order"] = ["random", "sequential"],
        ["--calibration-storage"] = ["memory", "disk"],
        ["--compute"] = ["float32", "bfloat16"],
        ["--engine"] = ["torch", "onnx"],
        ["--format"] = ["safetensors", "onnx", "zip"],
        ["--sparse-kernels"] = ["f32", "bf16", "int8", "int4"],
    };

    /// <summary>Whether an option names a file.</summary>
    public static bool IsFile(string option) => s_files.Contains(option);

    /// <summary>Tells completion the values of a command's options.</summary>
    public static void Complete(Command command)
    {
        foreach (Option option in command.Options)
        {
            string[] values = option.Name == "--method"
                ? command.Name == "recover" ? ["lora", .. SparseArguments.Methods] : [.. MethodOptions.Names]
                : s_values.GetValueOrDefault(option.Name, []);
            if (values.Length > 0) option.CompletionSources.Add(values);
        }
    }
}
