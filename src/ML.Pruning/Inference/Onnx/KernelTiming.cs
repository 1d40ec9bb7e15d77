using System.Diagnostics;

namespace ML.Pruning.Inference.Onnx;

/// <summary>Compares short pieces of work by taking them in turns.</summary>
internal static class KernelTiming
{
    private const int Turns = 7;
    private static readonly TimeSpan s_most = TimeSpan.FromMilliseconds(100);

    /// <summary>The shortest time of each.</summary>
    /// <param name="works">The pieces of work.</param>
    /// <returns>Microseconds, in the same order.</returns>
    public static double[] Fastest(IReadOnlyList<Action> works)
    {
        foreach (Action work in works) work(); // what is done once
        double[] best = [.. works.Select(_ => double.PositiveInfinity)];
        var all = Stopwatch.StartNew();
        for (int turn = 0; turn < 2 || turn < Turns && all.Elapsed < s_most; turn++)
        {
            for (int i = 0; i < works.Count; i++)
            {
                long start = Stopwatch.GetTimestamp();
                works[i]();
                best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }
        }

        return best;
    }
}
