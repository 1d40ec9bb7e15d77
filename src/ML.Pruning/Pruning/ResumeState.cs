using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Pruning;

/// <summary>A folder with what a pruning run has finished, so that a killed one can go on.</summary>
/// <remarks>
/// <para><c>state.json</c> holds what the run is (model, method, calibration windows, threads), the finished steps with
/// their reports, and the notes; each step has a safetensors file. Both appear whole or not at all, first the tensors,
/// then the state that names them.</para>
/// <para>Calibration activations are not stored: running the finished layers once more gives the same bits. The folder
/// is made with the first step, so that a run that fails early leaves nothing. Not thread-safe.</para>
/// </remarks>
internal sealed class ResumeState
{
    private const int Format = 1;
    private const string StateName = "state.json";
    private const string StepPrefix = "step-";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly string _folder;
    private readonly JsonObject _run;
    private readonly List<Step> _steps = [];

    private ResumeState(string folder, JsonObject run)
    {
        _folder = folder;
        _run = run;
    }

    /// <summary>The finished steps, in order.</summary>
    public IReadOnlyList<Step> Steps => _steps;

    /// <summary>The notes of the run so far.</summary>
    public IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>Takes up the state in a folder, or starts one there.</summary>
    /// <param name="folder">The folder; it need not exist, but the one around it must.</param>
    /// <param name="run">What the run is: everything that its bits depend on.</param>
    /// <exception cref="ArgumentException">The state there belongs to another run, or the folder holds something
    /// else.</exception>
    /// <exception cref="CheckpointFormatException">The state cannot be read.</exception>
    public static ResumeState Open(string folder, JsonObject run)
    {
        var state = new ResumeState(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)), run);
        if (!IsState(folder)) return state;
        string path = Path.Combine(folder, StateName);
        JsonObject json = Parse(path);
        if (json["run"] is not JsonObject other || (int?)json["format"] != Format)
            throw Unreadable(path, "it was written by another version");
        if (FirstDifference(run, other, "") is { } difference)
        {
            throw new ArgumentException($"The state in {Show.Quote(folder)} belongs to another run: {difference}. Give "
                + "the same model, text and options, or remove that folder to start anew.");
        }

        try
        {
            state.Notes = json["notes"].Deserialize<string[]>(s_json) ?? [];
            state._steps.AddRange(json["steps"].Deserialize<Step[]>(s_json) ?? []);
        }
        catch (JsonException e)
        {
            throw Unreadable(path, e.Message);
        }

        bool isWhole = state.Steps.All(s => s is { File: not null, Reports: not null } && PlainName.IsValid(s.File));
        return isWhole ? state : throw Unreadable(path, "a step has no reports, or no plain file name");
    }

    /// <summary>Removes the state in a folder, if there is one.</summary>
    /// <exception cref="ArgumentException">The folder holds something else.</exception>
    public static void Remove(string folder)
    {
        if (IsState(folder)) Directory.Delete(folder, recursive: true);
    }

    /// <summary>Writes the tensors of a finished step and opens them.</summary>
    /// <param name="tensors">The tensors as stored.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <returns>The open file; the caller disposes it.</returns>
    public SafetensorsFile Write(IReadOnlyList<StoredTensor> tensors, CancellationToken cancellationToken)
    {
        Prepare();
        string path = Path.Combine(_folder, StepName(_steps.Count));
        SafetensorsWriter.Write(path, tensors, cancellationToken: cancellationToken);
        return SafetensorsFile.Open(path);
    }

    /// <summary>Records that the step whose tensors were written last is finished.</summary>
    public void Finish(IReadOnlyList<TensorReport> reports, IReadOnlyList<string> notes)
    {
        _steps.Add(new Step(StepName(_steps.Count), reports));
        Notes = [.. notes];
        WriteState();
    }

    /// <summary>Opens the tensors of a step; the caller disposes the file.</summary>
    public SafetensorsFile Read(Step step) => SafetensorsFile.Open(Path.Combine(_folder, step.File));

    /// <summary>The file of the gradients, which need not exist.</summary>
    public string GradientPath => Path.Combine(_folder, "gradients.safetensors");

    /// <summary>Records the gradients.</summary>
    public void WriteGradients(IReadOnlyList<StoredTensor> tensors, CancellationToken cancellationToken)
    {
        Prepare();
        SafetensorsWriter.Write(GradientPath, tensors, cancellationToken: cancellationToken);
    }

    /// <summary>Removes the folder.</summary>
    public void Remove() => Remove(_folder);

    private static string StepName(int step) => $"{StepPrefix}{step:0000}.safetensors";

    // Whether the folder holds a state; false if there is nothing.
    private static bool IsState(string folder)
    {
        if (File.Exists(folder)) throw new ArgumentException($"{Show.Quote(folder)} is a file; a folder is needed "
            + "there.");
        if (!Directory.Exists(folder) || !Directory.EnumerateFileSystemEntries(folder).Any()) return false;
        return File.Exists(Path.Combine(folder, StateName)) ? true
            : throw new ArgumentException($"The folder {Show.Quote(folder)} holds something else than the state of a "
                + $"pruning run (there is no {StateName}); choose another one or remove it.");
    }

    private void Prepare()
    {
        if (Directory.Exists(_folder) && File.Exists(Path.Combine(_folder, StateName))) return;
        Directory.CreateDirectory(_folder);
        WriteState();
    }

    private void WriteState()
    {
        var json = new JsonObject
        {
            ["format"] = Format,
            ["run"] = _run.DeepClone(),
            ["steps"] = JsonSerializer.SerializeToNode(_steps, s_json),
            ["notes"] = JsonSerializer.SerializeToNode(Notes, s_json),
        };
        AtomicFile.WriteAllBytes(
            Path.Combine(_folder, StateName), Encoding.UTF8.GetBytes(json.ToJsonString(s_json)));
    }

    private static JsonObject Parse(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllBytes(path)) as JsonObject
                ?? throw Unreadable(path, "it holds no JSON object");
        }
        catch (JsonException e)
        {
            throw Unreadable(path, e.Message);
        }
    }

    private static CheckpointFormatException Unreadable(string path, string why) => new(
        $"The state of the pruning run in {Show.Quote(path)} cannot be read: {why}. Remove its folder to start anew.");

    // Compares numbers as they are written, so that what was read back equals what was made.
    private static string? FirstDifference(JsonNode? mine, JsonNode? theirs, string name)
    {
        if (mine is not JsonObject own || theirs is not JsonObject other)
        {
            string here = Text(mine), there = Text(theirs);
            return here == there ? null : $"{name} is {there} there and {here} here";
        }

        return own.Select(p => p.Key).Union(other.Select(p => p.Key))
            .Select(key => FirstDifference(own[key], other[key], name.Length == 0 ? key : $"{name}.{key}"))
            .FirstOrDefault(difference => difference is not null);
    }

    private static string Text(JsonNode? node) => node?.ToJsonString() ?? "missing";

    /// <summary>A finished step.</summary>
    /// <param name="File">Name of the file with its tensors.</param>
    /// <param name="Reports">What happened to them.</param>
    internal sealed record Step(string File, IReadOnlyList<TensorReport> Reports);
}
