namespace ML.Pruning.Sparsity;

/// <summary>How many threads the parallel loops of this library use at most, within one flow of execution.</summary>
/// <remarks>Loops are cut by shape alone, so that results do not depend on it.</remarks>
internal static class ThreadLimit
{
    private static readonly AsyncLocal<int?> s_current = new();

    /// <summary>Options for a loop.</summary>
    public static ParallelOptions Options(CancellationToken cancellationToken) => new()
    {
        CancellationToken = cancellationToken,
        MaxDegreeOfParallelism = s_current.Value ?? -1,
    };

    /// <summary>Sets the limit until the result is disposed.</summary>
    /// <param name="threads">At least 1; null = as many as the machine has processors.</param>
    public static IDisposable Use(int? threads)
    {
        var before = new Restore(s_current.Value);
        s_current.Value = threads;
        return before;
    }

    private sealed class Restore(int? before) : IDisposable
    {
        public void Dispose() => s_current.Value = before;
    }
}
