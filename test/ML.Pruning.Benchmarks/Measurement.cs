using System.Diagnostics;
using System.Globalization;

namespace ML.Pruning.Benchmarks;

/// <summary>A measured time, or a ratio of two.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Unit">"ms", "times", "1/s"...</param>
/// <param name="Value">The median of the runs.</param>
/// <param name="Minimum">The lowest of the runs.</param>
/// <param name="Runs">Number of runs; 0 for a number derived from others.</param>
internal sealed record Measurement(string Name, string Unit, double Value, double Minimum, int Runs)
{
    private const int MinimumRuns = 5;
    private static readonly TimeSpan s_minimumTime = TimeSpan.FromSeconds(1);

    /// <summary>Times an action in milliseconds: once unmeasured, then at least 5 runs and 1 second.</summary>
    public static Measurement Time(string name, Action action)
    {
        action();
        List<double> runs = [];
        for (long start = Stopwatch.GetTimestamp();
             runs.Count < MinimumRuns || Stopwatch.GetElapsedTime(start) < s_minimumTime;)
        {
            long before = Stopwatch.GetTimestamp();
            action();
            runs.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
        }

        runs.Sort();
        return new Measurement(name, "ms", runs[runs.Count / 2], runs[0], runs.Count);
    }

    /// <summary>How many times longer the baseline takes than the subject, by medians.</summary>
    public static Measurement Speedup(Measurement baseline, Measurement subject) =>
        Derived($"{baseline.Name} / {subject.Name}", "times", baseline.Value / subject.Value);

    /// <summary>A number worked out from measured ones.</summary>
    public static Measurement Derived(string name, string unit, double value) => new(name, unit, value, value, 0);

    public override string ToString()
    {
        string runs = Runs == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" (lowest {Minimum:G4}, {Runs} runs)");
        return string.Create(CultureInfo.InvariantCulture, $"{Name}: {Value:G4} {Unit}{runs}");
    }
}
