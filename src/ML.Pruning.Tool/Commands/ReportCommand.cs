using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ML.Pruning.Tool.Output;

namespace ML.Pruning.Tool.Commands;

/// <summary><c>mlprune report</c>: one page about several runs.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        Argument<string[]> reports = new("REPORTS")
        {
            Description = "Files that prune --report, or recover --report, wrote as JSON.",
            Arity = ArgumentArity.OneOrMore,
        };
        Option<string> output = new("--output") { Description = "The HTML page to write.", Required = true };
        Option<bool> force = CommonOptions.Force();
        Option<bool> json = CommonOptions.Json();
        var command = new Command("report",
            "Show pruning runs, or training runs, side by side in one self-contained HTML page.")
        {
            reports, output, force, json,
        };
        command.SetAction((parse, _) => Failure.GuardAsync(() =>
        {
            string path = parse.GetRequiredValue(output);
            if (File.Exists(path) && !parse.GetValue(force))
                throw new UserErrorException($"'{path}' exists; --force replaces it.");
            ReportFile.WritePage(path, [.. parse.GetRequiredValue(reports).Select(file =>
                KeyValuePair.Create(Path.GetFileNameWithoutExtension(file), Read(file)))]);
            if (parse.GetValue(json)) JsonOutput.Write(new JsonObject { ["output"] = path });
            else Console.Error.WriteLine($"Wrote {path}.");
        }));
        return command;
    }

    private static JsonObject Read(string file)
    {
        if (!File.Exists(file)) throw new UserErrorException($"The report '{file}' does not exist.");
        try
        {
            return JsonNode.Parse(File.ReadAllText(file)) as JsonObject
                ?? throw new UserErrorException($"'{file}' holds no JSON object.");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"'{file}' is no JSON: {e.Message}");
        }
    }
}
