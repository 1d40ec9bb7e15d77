using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using ML.Pruning.Calibration;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Torch;
using ML.Pruning.Pruning;
using TorchSharp;

namespace ML.Pruning.Benchmarks.Pruning;

/// <summary>Prunes a model in a process of its own and says what it took.</summary>
internal static class PruningProcess
{
    /// <summary>The first argument of such a process.</summary>
    public const string Command = "prune-and-measure";

    /// <summary>Starts a process and waits for its result.</summary>
    public static PruningCost Start(string model, string method, int windows, int length)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(PruningProcess).Assembly.Location);
        }

        foreach (string argument in (string[])[Command, model, method, $"{windows}", $"{length}"])
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<PruningCost>(output)!
            : throw new InvalidOperationException($"Pruning '{model}' with {method} failed with {process.ExitCode}.");
    }

    /// <summary>Does what <see cref="Start"/> asked for.</summary>
    /// <param name="job">Model folder, method, windows, length.</param>
    public static int Run(string[] job)
    {
        int windows = int.Parse(job[2], CultureInfo.InvariantCulture);
        int length = int.Parse(job[3], CultureInfo.InvariantCulture);
        Console.WriteLine(JsonSerializer.Serialize(Measure(job[0], job[1], windows, length)));
        return 0;
    }

    private static PruningCost Measure(string folder, string name, int windows, int length)
    {
        var calibration = new CalibrationOptions { Samples = windows, SequenceLength = length };
        PruningMethod method = name == "wanda" ? new Wanda { Calibration = calibration }
            : new SparseGpt { Calibration = calibration };
        using LanguageModel model = HuggingFaceModel.Open(folder);
        ModelSpec spec = model.Spec;
        var random = new Random(1);
        int[] tokens = [.. Enumerable.Range(0, windows * length).Select(_ => random.Next(spec.VocabularySize))];
        using var products = new ProductTimes();
        long started = Stopwatch.GetTimestamp();
        PruningResult result = Pruner.PruneWithWindows(model, method, TokenWindows.FromTokens(tokens, length));
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        result.Model.Dispose();
        long peak = PeakMemory();
        IReadOnlyDictionary<string, double> byKind = products.Stop();

        bool hessians = name != "wanda";
        FloatingPointFloor floor = FloatingPointFloor.Of(spec, windows, length, hessians);
        double float32 = FloatingPointFloor.MeasureRate(torch.ScalarType.Float32);
        double float64 = FloatingPointFloor.MeasureRate(torch.ScalarType.Float64);
        double floorSeconds = floor.Float32 / float32 + floor.Float64 / float64;
        long bound = Bound(spec, windows, length, hessians);
        return new PruningCost(name, spec.Layers.Count, spec.ParameterCount, windows, length,
            torch.get_num_threads(), seconds, byKind.Values.Sum(), byKind.Values.Sum() / seconds, byKind, floor.Float32,
            floor.Float64, float32, float64, floorSeconds, seconds / floorSeconds, peak, bound, peak <= bound,
            result.Plan.PeakMemoryBytes);
    }

    private static long Bound(ModelSpec spec, int windows, int length, bool hessians)
    {
        long layer = Enumerable.Range(0, spec.Layers.Count).Max(i => spec.LayerParameters(i).Sum(p => p.Count));
        long features = LinearInput.Of(spec, 0).Sum(i => (long)i.Features * i.Features);
        return sizeof(float) * (layer + (long)windows * length * spec.HiddenSize)
            + (hessians ? sizeof(double) * features : 0) + 1_000_000_000;
    }

    // VmHWM in kB, where the system has it.
    private static long PeakMemory()
    {
        const string Key = "VmHWM:";
        string? line = OperatingSystem.IsLinux() ? File.ReadLines("/proc/self/status").FirstOrDefault(
            l => l.StartsWith(Key, StringComparison.Ordinal)) : null;
        if (line is null) return Process.GetCurrentProcess().PeakWorkingSet64;
        return long.Parse(line[Key.Length..].Replace("kB", "").Trim(), CultureInfo.InvariantCulture) << 10;
    }

    // Sums what the library's meter says.
    private sealed class ProductTimes : IDisposable
    {
        private readonly Dictionary<string, double> _seconds = [];
        private readonly MeterListener _listener = new();

        public ProductTimes()
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == MatrixProducts.DurationName) listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<double>((_, value, tags, _) =>
            {
                string kind = (string)tags[0].Value!;
                _seconds[kind] = _seconds.GetValueOrDefault(kind) + value;
            });
            _listener.Start();
        }

        public IReadOnlyDictionary<string, double> Stop()
        {
            _listener.Dispose();
            return _seconds;
        }

        public void Dispose() => _listener.Dispose();
    }
}
