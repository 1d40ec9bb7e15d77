using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Inference;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Kernels;
using ML.Pruning.Models;
using ML.Pruning.Tool.Output;
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
            Description = "safetensors (a Hugging Face folder), onnx (a folder, or one .onnx file) or zip (an ML.NET "
                + "model).",
            Required = true,
        };
        Option<string> output = CommonOptions.Output();
        Option<bool> compressed = new("--compressed")
        {
            Description = "safetensors: store sparse weights as bitmask and values (compressed-tensors naming).",
        };
        Option<string?> kernels = new("--sparse-kernels")
        {
            Description = "onnx: run sparse linear maps on this library's kernels, with weights as f32, bf16, int8 or "
                + "int4.",
        };
        Option<string?> head = new("--head-kernels")
        {
            Description = "onnx: run the head on this library's kernels too, dense, with weights as f32, bf16, int8 or "
                + "int4.",
        };
        Option<bool> codes = new("--int8-codes")
        {
            Description = "onnx: write int8 weights as codes and DequantizeLinear, which any runtime knows.",
        };
        Option<string?> data = new("--data")
        {
            Description = "onnx: text (.jsonl or .txt) on which to compare the perplexity of the model and of what "
                + "was written.",
        };
        Option<int?> length = new("--sequence-length")
        {
            Description = "Tokens in a window of --data (default: the model's context).",
        };
        Option<string[]> shape = BenchCommand.Shape();
        Option<bool> unmeasured = new("--no-measure")
        {
            Description = "An .onnx file: put all sparse nodes on the kernels without measuring which of them are "
                + "faster there.",
        };
        Option<bool> dequantize = new("--dequantize")
        {
            Description = "Write weights that are on an integer grid as float32.",
        };
        Option<bool> force = CommonOptions.Force();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("export", "Write a model in another form.")
        {
            model, format, output, compressed, kernels, head, codes, data, length, shape, unmeasured, dequantize, force,
            json,
        };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            string path = parse.GetRequiredValue(output);
            bool asOnnx = parse.GetRequiredValue(format) == "onnx";
            bool asFile = parse.GetRequiredValue(format) switch
            {
                "zip" => true,
                "safetensors" => false,
                "onnx" => OnnxModel.IsFile(path),
                string other => throw new UserErrorException(
                    $"--format is \"{other}\"; supported: safetensors, onnx, zip."),
            };
            if (!asOnnx && parse.GetValue(kernels) is not null)
                throw new UserErrorException("--sparse-kernels goes with --format onnx only; leave it out.");
            if (parse.GetValue(head) is not null && (!asOnnx || OnnxModel.IsFile(parse.GetRequiredValue(model))))
                throw new UserErrorException("--head-kernels goes with --format onnx of a language model only; leave "
                    + "it out.");
            if (!asOnnx && parse.GetValue(codes))
                throw new UserErrorException("--int8-codes goes with --format onnx only; leave it out.");
            if (!asOnnx && parse.GetValue(data) is not null)
                throw new UserErrorException("--data goes with --format onnx only; leave it out, and use eval.");
            if (asOnnx && parse.GetValue(compressed))
                throw new UserErrorException("--compressed does not go with --format onnx; leave it out.");
            var target = new ModelOutput(path, parse.GetValue(force), asFile);
            string source = parse.GetRequiredValue(model);
            if (OnnxModel.IsFile(source))
            {
                if (!asOnnx)
                    throw new UserErrorException($"'{source}' is an ONNX model; it can be exported with --format onnx "
                        + "only.");
                var packing = new SparseOnnxOptions
                {
                    Overwrite = parse.GetValue(force),
                    Type = ParseKernels(parse.GetValue(kernels)),
                };
                if (!parse.GetValue(unmeasured))
                {
                    packing = SparseOnnxSelection.Measure(
                        source, packing, BenchCommand.ParseShapes(parse.GetValue(shape)));
                }

                IReadOnlyList<SparseOnnxNode> nodes = SparseOnnxModel.Write(source, path, packing, cancellationToken);
                Report(path, nodes, parse.GetValue(json));
                return;
            }

            using LanguageModel opened = LanguageModelSource.Open(source);
            using LanguageModel? dense = parse.GetValue(dequantize) ? opened.Dequantized() : null;
            if (asOnnx)
            {
                var options = new OnnxExportOptions
                {
                    Overwrite = parse.GetValue(force),
                    SparseKernels = ParseKernels(parse.GetValue(kernels)),
                    HeadKernels = ParseKernels(parse.GetValue(head)),
                    KeepInt8Codes = parse.GetValue(codes),
                };
                OnnxModel.Export(dense ?? opened, path, options, cancellationToken);
            }
            else
            {
                target.Write(dense ?? opened, parse.GetValue(compressed), cancellationToken);
            }

            JsonObject result = ToJson(path, parse.GetRequiredValue(format));
            if (parse.GetValue(data) is { } text)
                result["perplexity"] = Compare(dense ?? opened, path, text, parse.GetValue(length), cancellationToken);
            if (parse.GetValue(json)) JsonOutput.Write(result);
            else Console.Error.WriteLine($"Wrote {path}." + (result["perplexity"] is not { } perplexity ? "" :
                string.Create(CultureInfo.InvariantCulture,
                    $" Perplexity {(double)perplexity["export"]!:F4}; that of the model "
                    + $"{(double)perplexity["model"]!:F4}.")));
        }));
        return command;
    }

    private static JsonObject ToJson(string path, string format) => new()
    {
        ["output"] = path,
        ["format"] = format,
        ["bytes"] = File.Exists(path)
            ? new FileInfo(path).Length
            : new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length),
    };

    // What 8-bit or 4-bit weights cost.
    private static JsonObject Compare(
        LanguageModel model, string path, string data, int? length, CancellationToken cancellationToken)
    {
        string[] documents = [.. TextCorpus.Read(data)];
        int tokens = length ?? model.Spec.ContextLength;
        using var progress = new ConsoleProgress("Evaluating");
        return new JsonObject
        {
            ["model"] = PerplexityEvaluator.Evaluate(
                model, documents, tokens, EngineKind.Auto, cancellationToken, progress).Perplexity,
            ["export"] = PerplexityEvaluator.EvaluateExport(path, model, documents, tokens, cancellationToken, progress)
                .Perplexity,
            ["sequenceLength"] = tokens,
        };
    }

    // What became of a model of another exporter.
    private static void Report(string path, IReadOnlyList<SparseOnnxNode> nodes, bool asJson)
    {
        if (asJson)
        {
            JsonObject result = ToJson(path, "onnx");
            result["nodes"] = BenchCommand.ToJson(nodes);
            JsonOutput.Write(result);
            return;
        }

        ToolConsole.Error.Write(BenchCommand.ToTable(nodes) with
        {
            Notes = [$"Wrote {path}: {nodes.Count(node => node.IsPacked)} of {nodes.Count} nodes run on the kernels."],
        });
    }

    private static PackedType? ParseKernels(string? name) => name switch
    {
        null => null,
        "f32" => PackedType.Float32,
        "bf16" => PackedType.BFloat16,
        "int8" => PackedType.Int8,
        "int4" => PackedType.Int4,
        _ => throw new UserErrorException($"--sparse-kernels is \"{name}\"; supported: f32, bf16, int8, int4."),
    };
}
