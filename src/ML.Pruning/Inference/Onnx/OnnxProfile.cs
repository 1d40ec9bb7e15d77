using System.Text.Json;
using Microsoft.ML.OnnxRuntime;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Takes ONNX Runtime's profile of a session.</summary>
/// <remarks>Not thread-safe. Dispose it after the session.</remarks>
internal sealed class OnnxProfile : IDisposable
{
    private const string NodeEvents = "Node", RunEvent = "model_run", KernelTime = "_kernel_time";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ml-pruning-profile-");

    /// <summary>Switches profiling on for a session that is to be opened.</summary>
    /// <param name="options">Its options.</param>
    public void Enable(SessionOptions options)
    {
        options.ProfileOutputPathPrefix = Path.Combine(_folder.FullName, "profile");
        options.EnableProfiling = true;
    }

    /// <summary>Ends the profile and reads it.</summary>
    /// <param name="session">The session.</param>
    /// <param name="runs">Runs to take, of those that there were.</param>
    /// <returns>The operators, those that took longest first.</returns>
    public static IReadOnlyList<OperatorTime>[] End(InferenceSession session, params Range[] runs)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(session.EndProfiling()));
        JsonElement[] events = [.. file.RootElement.EnumerateArray().Where(e => e.TryGetProperty("dur", out _))];
        (long Start, long End)[] all =
        [
            .. events.Where(e => e.GetProperty("name").GetString() == RunEvent).Select(Span).Order(),
        ];
        JsonElement[] kernels = [.. events.Where(e => e.GetProperty("cat").GetString() == NodeEvents
            && e.GetProperty("name").GetString()!.EndsWith(KernelTime, StringComparison.Ordinal))];
        return [.. runs.Select(range => Sum(kernels, all[range]))];
    }

    /// <summary>Ends the profile and reads it.</summary>
    /// <param name="session">The session.</param>
    /// <returns>For each node the shortest time of a run, in microseconds, by the name that ONNX Runtime gave
    /// it.</returns>
    public static IReadOnlyDictionary<string, double> EndByNode(InferenceSession session)
    {
        using JsonDocument file = JsonDocument.Parse(File.ReadAllBytes(session.EndProfiling()));
        return file.RootElement.EnumerateArray()
            .Where(e => e.TryGetProperty("dur", out _)
                && e.GetProperty("name").GetString()!.EndsWith(KernelTime, StringComparison.Ordinal))
            .GroupBy(e => e.GetProperty("name").GetString()![..^KernelTime.Length])
            .ToDictionary(node => node.Key, node => node.Min(e => (double)e.GetProperty("dur").GetInt64()));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private static List<OperatorTime> Sum(JsonElement[] kernels, (long Start, long End)[] runs)
    {
        JsonElement[] inside = [.. kernels.Where(e => Array.Exists(
            runs, run => Span(e).Start >= run.Start && Span(e).End <= run.End))];
        double total = inside.Sum(e => e.GetProperty("dur").GetInt64());
        return
        [
            .. inside.GroupBy(e => e.GetProperty("args").GetProperty("op_name").GetString()!).Select(group =>
            {
                double time = group.Sum(e => e.GetProperty("dur").GetInt64());
                return new OperatorTime(group.Key, group.Count() / runs.Length, time / runs.Length, time / total);
            }).OrderByDescending(time => time.Share),
        ];
    }

    private static (long Start, long End) Span(JsonElement e)
    {
        long start = e.GetProperty("ts").GetInt64();
        return (start, start + e.GetProperty("dur").GetInt64());
    }
}
