using System.Text.Json;
using System.Text.Json.Nodes;

namespace ML.Pruning.Benchmarks;

/// <summary>A result file: a JSON list of flat objects, each with the name of its benchmark and the machine.</summary>
internal sealed class ResultFile(string path)
{
    private static readonly JsonSerializerOptions s_options = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly JsonArray _results = [];

    /// <summary>Adds a result and writes the file, so that what was measured is not lost when a later one
    /// fails.</summary>
    public void Add(string benchmark, object result)
    {
        var line = new JsonObject { ["benchmark"] = benchmark };
        foreach ((string key, JsonNode? value) in JsonSerializer.SerializeToNode(result, result.GetType(), s_options)!
            .AsObject())
        {
            line[key] = value?.DeepClone();
        }

        line["machine"] = JsonSerializer.SerializeToNode(Machine.Current, s_options);
        _results.Add((JsonNode)line);
        Write();
    }

    /// <summary>Writes what there is.</summary>
    public void Write() => File.WriteAllText(path, _results.ToJsonString(s_options) + '\n');
}
