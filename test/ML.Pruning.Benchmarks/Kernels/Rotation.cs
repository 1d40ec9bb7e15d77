using System.Diagnostics;

namespace ML.Pruning.Benchmarks.Kernels;

/// <summary>The same work on several copies of its data, one after the other, so that none is in a cache when its turn
/// comes again.</summary>
internal sealed class Rotation<T>(IReadOnlyList<T> copies, Action<T> work) : ITurn, IDisposable
{
    private readonly List<double> _microseconds = [];
    private int _next;

    /// <inheritdoc/>
    public void Take()
    {
        T copy = copies[_next++ % copies.Count];
        long start = Stopwatch.GetTimestamp();
        work(copy);
        _microseconds.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
    }

    /// <inheritdoc/>
    public void Start()
    {
        _microseconds.Clear();
        foreach (T copy in copies)
            work(copy);
    }

    /// <inheritdoc/>
    public double Median()
    {
        _microseconds.Sort();
        return _microseconds[_microseconds.Count / 2];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (T copy in copies)
            (copy as IDisposable)?.Dispose();
    }
}

/// <summary>Something measured in turns with others.</summary>
internal interface ITurn
{
    /// <summary>Does it once.</summary>
    void Take();

    /// <summary>Starts anew. Each copy takes an unmeasured turn, for what is done once: pages, buffers,
    /// compilation.</summary>
    void Start();

    /// <summary>The median time in microseconds since <see cref="Start"/>.</summary>
    double Median();
}
