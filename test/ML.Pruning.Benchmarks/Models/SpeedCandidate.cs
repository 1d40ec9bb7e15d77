using System.Diagnostics;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>A decoder whose speed is measured in rounds, in turns with others.</summary>
internal abstract class SpeedCandidate : IDisposable
{
    /// <summary>What it is: engine and precision, or the type of the packed weights.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of the file of weights.</summary>
    public abstract long WeightBytes { get; }

    /// <summary>Memory that it takes after a run.</summary>
    public abstract long ResidentBytes { get; }

    /// <summary>The most prompt tokens and new tokens a second since <see cref="Restart"/>.</summary>
    public (double Prefill, double Decode) Best { get; private set; }

    /// <summary>Forgets what was measured.</summary>
    public void Restart() => Best = default;

    /// <summary>Measures a round.</summary>
    public void Measure()
    {
        (double prefill, double decode) = Round();
        Best = (Math.Max(Best.Prefill, prefill), Math.Max(Best.Decode, decode));
    }

    public abstract void Dispose();

    /// <summary>A prompt and tokens after it.</summary>
    /// <returns>Prompt tokens and new tokens a second.</returns>
    protected abstract (double Prefill, double Decode) Round();

    /// <summary>Tokens a second of a piece of work.</summary>
    protected static double Rate(int tokens, Action work)
    {
        long start = Stopwatch.GetTimestamp();
        work();
        return tokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
