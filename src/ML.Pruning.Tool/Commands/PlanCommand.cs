using System.CommandLine;
using System.Text;
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
        var method = new MethodOptions();
        var command = new Command("plan", "Show what a method would remove, without touching a weight.") { model, json };
        method.AddTo(command);
        command.SetAction((parse, _) => Failure.GuardAsync(() =>
        {
            PruningMethod chosen = method.Parse(parse);
            PruningPlan plan = chosen.Plan(ReadSpec(parse.GetRequiredValue(model)));
            if (parse.GetValue(json)) JsonOutput.Write(plan.ToJson());
            else Console.Out.Write(plan.ToTable());
        }));
        return command;
    }

    private static ModelSpec ReadSpec(string path)
    {
        string config = Directory.Exists(path) ? Path.Combine(path, "config.json") : path;
        if (!Path.GetExtension(config).Equals(".json", StringComparison.OrdinalIgnoreCase))
        {
            using LanguageModel model = LanguageModelSource.Open(path);
            return model.Spec;
        }

        if (!File.Exists(config)) throw new FileNotFoundException($"There is no '{config}'.", config);
        if (new FileInfo(config).Length > MaximumConfigBytes)
            throw new UserErrorException($"'{config}' is larger than {MaximumConfigBytes} bytes; that is no config.json.");
        return FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(File.ReadAllText(config, Encoding.UTF8)));
    }
}
