using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ML.Pruning.Evaluation;
using ML.Pruning.Export.Onnx;
using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune bench</c>: how fast a model runs, and on what.</summary>
internal static class BenchCommand
{
    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        model.Description += " Or an .onnx file of any exporter.";
        Option<int> prompt = new("--prompt-tokens")
        {
            Description = "Tokens of the prompt.", DefaultValueFactory = _ => 128,
        };
        Option<int> added = new("--new-tokens")
        {
            Description = "Tokens written after it.", DefaultValueFactory = _ => 32,
        };
        Option<int> repeats = new("--repeats")
        {
            Description = "Rounds, of which the fastest counts.", DefaultValueFactory = _ => 3,
        };
        Option<string[]> shape = Shape();
        Option<bool> profile = new("--profile")
        {
            Description = "Tell the time of each operator too.",
        };
        Option<bool> json = CommonOptions.Json();
        var command = new Command("bench", "Measure how fast a model runs beside the same model with dense products.")
        {
            model, prompt, added, repeats, shape, profile, json,
        };
        command.SetAction((parse, cancellationToken) => Failure.GuardAsync(() =>
        {
            string path = parse.GetRequiredValue(model);
            if (OnnxModel.IsFile(path))
            {
                Dictionary<string, long[]> shapes = ParseShapes(parse.GetValue(shape));
                SparseOnnxSpeed speed = SparseOnnxBenchmark.Measure(path, shapes,
                    SparseOnnxSelection.Measure(path, shapes: shapes), parse.GetValue(profile));
                if (parse.GetValue(json)) JsonOutput.Write(ToJson(speed));
                else Write(ToTable(speed), ("a run", speed.Profile));
                return;
            }

            using LanguageModel opened = LanguageModelSource.Open(path);
            int most = Math.Max(1, opened.Spec.ContextLength / 2); // small contexts take less
            SpeedResult result = SpeedBenchmark.Measure(opened, Math.Min(parse.GetValue(prompt), most),
                Math.Min(parse.GetValue(added), most), parse.GetValue(repeats),
                parse.GetValue(profile), cancellationToken);
            if (parse.GetValue(json)) JsonOutput.Write(result.ToJson());
            else Write(ToTable(result), ("the prompt", result.PrefillProfile), ("a token", result.DecodeProfile));
        }));
        return command;
    }

    /// <summary>The option that <see cref="ParseShapes"/> reads.</summary>
    public static Option<string[]> Shape() => new("--shape")
    {
        Description = "An .onnx file's input and its dimensions, such as x:1x3x224x224; may be given several times.",
        DefaultValueFactory = _ => [],
    };

    /// <summary>What was done with each node of an ONNX model, as a table.</summary>
    public static ReportTable ToTable(IReadOnlyList<SparseOnnxNode> nodes) => new()
    {
        Columns = [new("node", IsNumber: false), new("operator", IsNumber: false), new("weight"), new("zeros"),
            new("runs on", IsNumber: false)],
        Rows =
        [
            .. nodes.Select(node => (string[])[node.Name, node.Operator,
                node.Rows == 0 ? "" : $"{node.Rows} x {node.Columns}",
                node.Rows == 0 ? "" : Percent(node.Sparsity),
                node.IsPacked ? $"kernel: {node.Why}" : $"ONNX Runtime: {node.Why}"]),
        ],
    };

    private static void Write(ReportTable result, params (string Of, IReadOnlyList<OperatorTime> Times)[] profiles)
    {
        ToolConsole.Out.Write(result);
        foreach ((string of, IReadOnlyList<OperatorTime> times) in profiles)
            if (times.Count > 0) ToolConsole.Out.Write(ToTable(of, times));
    }

    private static ReportTable ToTable(string of, IReadOnlyList<OperatorTime> times) => new()
    {
        Heading = [$"time of {of} by operator, with the profiler on"],
        Columns = [new("operator", IsNumber: false), new("nodes"), new("us"), new("share")],
        Rows =
        [
            .. times.Select(time => (string[])[time.Operator, $"{time.Nodes}",
                time.Microseconds.ToString("F0", CultureInfo.InvariantCulture), Percent(time.Share)]),
        ],
    };

    private static ReportTable ToTable(SpeedResult result) => new()
    {
        Heading =
        [
            string.Create(CultureInfo.InvariantCulture, $"prefill {result.Prefill:F1} tokens/s "
                + $"({result.PromptTokens} tokens), decode {result.Decode:F1} tokens/s"),
            string.Create(CultureInfo.InvariantCulture, $"dense: prefill {result.DensePrefill:F1}, "
                + $"decode {result.DenseDecode:F1} (ONNX Runtime, float32)"),
            result.RemembersLayers
                ? "kernels: chosen at an earlier start on this machine (MLPRUNING_CACHE=off measures)"
                : "kernels: measured now",
        ],
        Columns = [new("weight", IsNumber: false), new("shape"), new("zeros"), new("kernel", IsNumber: false),
            new("why", IsNumber: false)],
        Rows =
        [
            .. result.Layers.Select(layer => (string[])[layer.Name, $"{layer.Rows} x {layer.Columns}",
                Percent(layer.Sparsity), layer.Kernel, layer.Why]),
        ],
    };

    private static ReportTable ToTable(SparseOnnxSpeed speed)
    {
        string times = string.Create(CultureInfo.InvariantCulture, $"{speed.Milliseconds:F2} ms a run; "
            + $"{speed.DenseMilliseconds:F2} ms as it is (ONNX Runtime, as the file has it); "
            + $"outputs differ by {speed.Difference:G2} of the largest");
        return ToTable(speed.Nodes) with
        {
            Heading = speed.WhyDense is { } reason ? [times, $"It runs as it is: {reason}"] : [times],
        };
    }

    private static string Percent(double fraction) => fraction.ToString("P0", CultureInfo.InvariantCulture);

    private static JsonObject ToJson(SparseOnnxSpeed speed) => new()
    {
        ["milliseconds"] = speed.Milliseconds,
        ["denseMilliseconds"] = speed.DenseMilliseconds,
        ["ratio"] = speed.DenseMilliseconds / speed.Milliseconds,
        ["difference"] = speed.Difference,
        ["whyDense"] = speed.WhyDense,
        ["nodes"] = ToJson(speed.Nodes),
        ["profile"] = speed.Profile.Count == 0 ? null : OperatorTime.ToJson(speed.Profile),
    };

    /// <summary>What was done with each node of an ONNX model, as JSON.</summary>
    public static JsonArray ToJson(IReadOnlyList<SparseOnnxNode> nodes) => new(
    [
        .. nodes.Select(node => (JsonNode)new JsonObject
        {
            ["name"] = node.Name,
            ["operator"] = node.Operator,
            ["rows"] = node.Rows,
            ["columns"] = node.Columns,
            ["sparsity"] = node.Sparsity,
            ["packed"] = node.IsPacked,
            ["why"] = node.Why,
        }),
    ]);

    /// <summary>Dimensions of inputs by name.</summary>
    /// <exception cref="UserErrorException">A text is none.</exception>
    public static Dictionary<string, long[]> ParseShapes(string[]? texts) =>
        (texts ?? []).Select(ParseShape).ToDictionary();

    private static KeyValuePair<string, long[]> ParseShape(string text)
    {
        int colon = text.LastIndexOf(':');
        long[] sizes = [.. text[(colon + 1)..].Split('x')
            .Select(size => long.TryParse(size, CultureInfo.InvariantCulture, out long value) ? value : 0)];
        return colon > 0 && sizes.All(size => size > 0) ? new(text[..colon], sizes) : throw new UserErrorException(
            $"--shape is \"{text}\"; give an input and its dimensions, such as x:1x3x224x224.");
    }
}
