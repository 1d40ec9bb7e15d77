using System.Diagnostics;
using ML.Pruning.Pruning;

namespace ML.Pruning.Benchmarks.Models;

/// <summary>The memory that a model takes in this process.</summary>
internal static class ResidentMemory
{
    /// <summary>Opens something, and tells by how much the resident memory grew, mapped files included.</summary>
    /// <typeparam name="T">What is opened.</typeparam>
    /// <param name="open">Opens it.</param>
    /// <param name="use">Uses it once, so that what is read later counts too.</param>
    /// <returns>It, and bytes.</returns>
    public static (T Opened, long Bytes) Of<T>(Func<T> open, Action<T> use)
    {
        long before = Bytes();
        T opened = open();
        use(opened);
        return (opened, Math.Max(0, Bytes() - before));
    }

    private static long Bytes()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        UnusedMemory.Release(long.MaxValue);
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }
}
