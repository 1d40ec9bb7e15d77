using System.CommandLine;
using ML.Pruning.Models;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune export</c>: writes a model in another form.</summary>
internal static class ExportCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        Option<string> format = new("--format")
        {
            Description = "safetensors (a Hugging Face folder) or zip (an ML.NET model).",
            Required = true,
        };
        Option<string> output = CommonOptions.Output();
        Option<bool> compressed = new("--compressed")
        {
            Description = "safetensors: store sparse weights as bitmask and values (compressed-tensors naming).",
        };
        Option<bool> dequantize = new("--dequantize")
        {
            Description = "Write weights that are on an integer grid as float32.",
        };
        Option<bool> force = CommonOptions.Force();
        var command = new Command("export", "Write a model in another form.")
        {
            model, format, output, compressed, dequantize, force,
        };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            bool asZip = parse.GetRequiredValue(format) switch
            {
                "zip" => true,
                "safetensors" => false,
                string other => throw new UserErrorException($"--format is \"{other}\"; supported: safetensors, zip."),
            };
            var target = new ModelOutput(parse.GetRequiredValue(output), parse.GetValue(force), asZip);
            using LanguageModel opened = LanguageModelSource.Open(parse.GetRequiredValue(model));
            using LanguageModel? dense = parse.GetValue(dequantize) ? opened.Dequantized() : null;
            target.Write(dense ?? opened, parse.GetValue(compressed), cancellationToken);
            Console.Error.WriteLine($"Wrote {parse.GetRequiredValue(output)}.");
        }));
        return command;
    }
}
