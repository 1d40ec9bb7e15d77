using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ML.Pruning;

/// <summary>What this library tells monitoring: activities and metrics of the source and meter
/// <c>ml.pruning</c>.</summary>
/// <remarks>
/// <para>Each operation (prune, train, evaluate, score, embed, generate) is an activity <c>ml.pruning.OPERATION</c> and
/// a measurement of <c>ml.pruning.operation.duration</c> (s); tokens count in <c>ml.pruning.tokens</c> ({token}, by
/// <c>ml.pruning.token.type</c> input or output), and the fraction of zeros that pruning reached is measured in
/// <c>ml.pruning.sparsity</c> (1). Tags: <c>ml.pruning.operation</c>, <c>ml.pruning.model.family</c>,
/// <c>ml.pruning.method</c>, <c>ml.pruning.engine</c>, <c>ml.pruning.kernel</c> (what runs sparse products) and
/// <c>ml.pruning.outcome</c> (completed, or stopped by an error, a cancellation, or a reader who leaves).</para>
/// <para>No text and no token of a user is among them. Without a listener nothing is computed. Thread-safe.</para>
/// </remarks>
public static class LlmTelemetry
{
    /// <summary>Name of the activity source and of the meter.</summary>
    public const string Name = "ml.pruning";

    private static readonly ActivitySource s_source = new(Name);
    private static readonly Meter s_meter = new(Name);

    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram<double>(
        "ml.pruning.operation.duration", "s", "Duration of an operation.");

    private static readonly Counter<long> s_tokens = s_meter.CreateCounter<long>(
        "ml.pruning.tokens", "{token}", "Tokens that a model has read or written.");

    private static readonly Histogram<double> s_sparsity = s_meter.CreateHistogram<double>(
        "ml.pruning.sparsity", "1", "Fraction of zeros in the tensors that were pruned.");

    /// <summary>Starts an operation; it ends when it is disposed.</summary>
    internal static Operation Start(string operation, string family, params (string Key, string Value)[] tags) =>
        new(operation, family, tags);

    /// <summary>An operation under way.</summary>
    internal sealed class Operation : IDisposable
    {
        private readonly Activity? _activity;
        private readonly long _start = Stopwatch.GetTimestamp();
        private TagList _tags;
        private bool _isComplete;

        /// <summary>Starts it.</summary>
        public Operation(string operation, string family, (string Key, string Value)[] tags)
        {
            _tags.Add("ml.pruning.operation", operation);
            _tags.Add("ml.pruning.model.family", family);
            foreach ((string key, string value) in tags) _tags.Add($"ml.pruning.{key}", value);

            // Not the current activity: an operation may go on while its caller does something else between two pieces.
            Activity? current = Activity.Current;
            _activity = s_source.StartActivity(ActivityKind.Internal, tags: _tags, name: $"ml.pruning.{operation}");
            Activity.Current = current;
        }

        /// <summary>Counts tokens.</summary>
        public void Tokens(string type, long count)
        {
            _activity?.SetTag($"ml.pruning.tokens.{type}", count);
            if (!s_tokens.Enabled) return;
            TagList tags = _tags;
            tags.Add("ml.pruning.token.type", type);
            s_tokens.Add(count, tags);
        }

        /// <summary>Tells the fraction of zeros that was reached.</summary>
        public void Sparsity(double fraction)
        {
            _activity?.SetTag("ml.pruning.sparsity", fraction);
            s_sparsity.Record(fraction, _tags);
        }

        /// <summary>Tells that it did what it was asked for.</summary>
        public void Complete() => _isComplete = true;

        /// <inheritdoc/>
        public void Dispose()
        {
            _tags.Add("ml.pruning.outcome", _isComplete ? "completed" : "stopped");
            s_duration.Record(Stopwatch.GetElapsedTime(_start).TotalSeconds, _tags);
            _activity?.SetTag("ml.pruning.outcome", _isComplete ? "completed" : "stopped");
            _activity?.Dispose();
        }
    }
}
