using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Pruning;
using ML.Pruning.Tool.Output;
using ML.Pruning.Transforms;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune plan</c>: what a method would do, by shape alone.</summary>
internal static class PlanCommand
{
    private const long MaximumConfigBytes = 16 << 20;

    public static Command Create()
    {
        Argument<string> model = CommonOptions.Model();
        model.Description = "A Hugging Face folder, a saved .zip model, or a bare config.json.";
        Option<bool> json = CommonOptions.Json();
        Option<int?> context = new("--context")
        {
            Description = "Tokens for which memory is counted (default: the model's context).",
        };
        Option<bool> explain = new("--explain")
        {
            Description = "List the dependency groups: what can only go together, and why.",
        };
        Option<string?> group = new("--explain-group")
        {
            Description = "Explain one group: KIND:LAYER:INDEX, such as heads:3:1, neuron:3:17, channel:5 or layer:3.",
        };
        Option<string?> memoryLimit = CommonOptions.MemoryLimit();
        var method = new MethodOptions();
        var command = new Command("plan", "Show what a method would remove, without touching a weight.")
        {
            model, memoryLimit, json, context, explain, group,
        };
        method.AddTo(command);
        command.SetAction((parse, _) => Failure.GuardAsync(() =>
        {
            PruningMethod chosen = method.Parse(parse);
            (ModelSpec spec, TensorType type) = ReadSpec(parse.GetRequiredValue(model));
            PruningPlan plan = chosen.Plan(spec, type) with { ContextLength = parse.GetValue(context) };
            if (CommonOptions.ParseMemoryLimit(parse.GetValue(memoryLimit)) is { } limit)
                plan.RequireMemory(limit, chosen);
            GroupListing? groups = parse.GetValue(explain) || parse.GetValue(group) is not null
                ? new GroupListing(spec, parse.GetValue(group))
                : null;
            if (!parse.GetValue(json))
            {
                ToolConsole.Out.Write(plan.ToTable());
                Console.Out.Write(groups?.ToText());
                return;
            }

            JsonObject content = plan.ToJson();
            if (groups is not null) content["groups"] = groups.ToJson();
            JsonOutput.Write(content);
        }));
        return command;
    }

    private static (ModelSpec Spec, TensorType WeightType) ReadSpec(string path)
    {
        string config = Directory.Exists(path) ? Path.Combine(path, "config.json") : path;
        if (!Path.GetExtension(config).Equals(".json", StringComparison.OrdinalIgnoreCase))
        {
            using LanguageModel model = LanguageModelSource.Open(path);
            return (model.Spec, model.Weights[TensorNames.Weight(0, TensorNames.Query)].Type);
        }

        if (!File.Exists(config)) throw new FileNotFoundException($"There is no '{config}'.", config);
        if (new FileInfo(config).Length > MaximumConfigBytes)
            throw new UserErrorException(
                $"'{config}' is larger than {MaximumConfigBytes} bytes; that is no config.json.");
        JsonObject content = FamilyRegistry.ParseConfig(File.ReadAllText(config, Encoding.UTF8));
        return (HuggingFaceModel.ReadSpec(content), WeightType(content));
    }

    // The type that the configuration names, else float32.
    private static TensorType WeightType(JsonObject config)
    {
        JsonNode? name = config["dtype"] ?? config["torch_dtype"];
        return name is JsonValue value && value.TryGetValue(out string? text) ? text switch
        {
            "float16" => TensorType.F16,
            "bfloat16" => TensorType.BF16,
            "float64" => TensorType.F64,
            _ => TensorType.F32,
        } : TensorType.F32;
    }
}
