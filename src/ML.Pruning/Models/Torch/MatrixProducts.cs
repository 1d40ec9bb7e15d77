using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ML.Pruning.Models.Torch;

/// <summary>The meter <c>ml.pruning</c>: how long matrix products, and the factorisations and solves of matrices, take.
/// Whoever listens sees how much of a run is arithmetic that nothing but a faster BLAS speeds up.</summary>
internal static class MatrixProducts
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "ml.pruning";

    /// <summary>Name of the instrument, in seconds; its tag <c>kind</c> says what was computed.</summary>
    public const string DurationName = "ml.pruning.matrix_product.duration";

    private static readonly Meter s_meter = new(MeterName);
    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram<double>(DurationName, "s");

    /// <summary>Times what runs until the result is disposed; free of cost when nobody listens.</summary>
    public static Timing Time(string kind) => new(kind, s_duration.Enabled ? Stopwatch.GetTimestamp() : 0);

    /// <summary>A running measurement.</summary>
    internal readonly ref struct Timing(string kind, long start)
    {
        /// <summary>Records it.</summary>
        public void Dispose()
        {
            if (start == 0) return;
            s_duration.Record(
                Stopwatch.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("kind", kind));
        }
    }
}
