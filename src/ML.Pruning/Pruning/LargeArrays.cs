namespace ML.Pruning.Pruning;

/// <summary>Weights are large arrays, which pile up by the hundred MiB before the collector looks at them by
/// itself.</summary>
internal static class LargeArrays
{
    private const long Large = 1 << 20;

    /// <summary>Collects what is no longer needed after work on so many weights; nothing for small models.</summary>
    public static void Collect(long weights)
    {
        if (weights >= Large) GC.Collect();
    }
}
