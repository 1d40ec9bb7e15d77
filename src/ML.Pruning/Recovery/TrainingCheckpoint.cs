using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Recovery;

/// <summary>The state of a training run in a file, so that it can go on after a stop.</summary>
/// <remarks>One safetensors file, which appears whole or not at all: weights, moments, the best weights and those to go
/// back to as float32; the rest as JSON in its metadata.</remarks>
/// <param name="folder">Folder of the file.</param>
/// <param name="run">What identifies the run: model, examples and options.</param>
internal sealed class TrainingCheckpoint(string folder, JsonObject run)
{
    private const string FileName = "training-state.safetensors";
    private static readonly JsonSerializerOptions s_json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly string _path = Path.Combine(folder, FileName);

    /// <summary>Whether there is a state to go on from.</summary>
    public bool Exists => File.Exists(_path);

    /// <summary>Writes the state; an earlier one is replaced.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="arrays">Arrays by name.</param>
    public void Save(TrainingState state, IReadOnlyDictionary<string, float[]> arrays)
    {
        Directory.CreateDirectory(folder);
        StoredTensor[] tensors = [.. arrays.Select(a => new ArrayTensor(a.Key, a.Value, [a.Value.Length]))];
        var metadata = new Dictionary<string, string>
        {
            ["run"] = run.ToJsonString(),
            ["state"] = JsonSerializer.Serialize(state, s_json),
        };
        using var file = new AtomicFile(_path);
        SafetensorsWriter.Write(file.Stream, tensors, metadata);
        file.Commit();
    }

    /// <summary>Reads the state.</summary>
    /// <returns>Where the run stands, and the arrays by name.</returns>
    /// <exception cref="ArgumentException">The state belongs to another run.</exception>
    /// <exception cref="CheckpointFormatException">The file is damaged.</exception>
    public (TrainingState State, IReadOnlyDictionary<string, float[]> Arrays) Load()
    {
        using SafetensorsFile file = SafetensorsFile.Open(_path);
        CheckRun(Metadata(file, "run"));
        try
        {
            TrainingState state = JsonSerializer.Deserialize<TrainingState>(Metadata(file, "state"), s_json)
                ?? throw new CheckpointFormatException($"'{_path}' holds no training state.");
            return (state, file.Tensors.ToDictionary(t => t.Key, t => t.Value.ToArray(), StringComparer.Ordinal));
        }
        catch (JsonException e)
        {
            throw new CheckpointFormatException($"'{_path}' holds no training state: {e.Message}", e);
        }
    }

    /// <summary>Deletes the file, if it was ever written, and the folder if nothing else is in it.</summary>
    public void Delete()
    {
        if (!Directory.Exists(folder)) return;
        File.Delete(_path);
        if (!Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
    }

    private string Metadata(SafetensorsFile file, string key) => file.Metadata.TryGetValue(key, out string? value)
        ? value
        : throw new CheckpointFormatException($"'{_path}' is no training state: it has no entry '{key}'.");

    private void CheckRun(string text)
    {
        if (text == run.ToJsonString()) return;
        var saved = (JsonNode.Parse(text) as JsonObject) ?? [];
        string differing = string.Join(", ", run.Select(p => p.Key).Union(saved.Select(p => p.Key))
            .Where(key => !JsonNode.DeepEquals(run[key], saved[key]))
            .Select(key => string.Create(CultureInfo.InvariantCulture,
                $"{key} was {Show(saved[key])} and is {Show(run[key])}")));
        throw new ArgumentException($"The state in '{_path}' is that of another run ({differing}); resume with the "
            + "same model, data and options, or delete it.");
    }

    private static string Show(JsonNode? node) => node?.ToJsonString() ?? "none";
}
