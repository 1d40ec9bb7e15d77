using System.Runtime.InteropServices;

namespace ML.Pruning.Pruning;

/// <summary>Gives memory back that large tensors left behind, so that the peak does not grow from layer to
/// layer.</summary>
/// <remarks>Arrays pile up by the hundred MiB before the collector looks at them by itself; and glibc keeps what
/// tensors of less than 32 MiB free in the middle of its heap (a second layer of 1.1B parameters found 180 MiB of
/// it).</remarks>
internal static unsafe class UnusedMemory
{
    private const long Large = 1 << 20;

    private static readonly delegate* unmanaged<nuint, int> s_trim = FindTrim();

    /// <summary>Releases what is no longer needed after work on so many weights; nothing for small models.</summary>
    public static void Release(long weights)
    {
        if (weights < Large) return;
        GC.Collect();
        if (s_trim is not null) _ = s_trim(0);
    }

    // glibc's malloc_trim; null on other systems.
    private static delegate* unmanaged<nuint, int> FindTrim() => OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libc.so.6", out nint library)
        && NativeLibrary.TryGetExport(library, "malloc_trim", out nint trim)
            ? (delegate* unmanaged<nuint, int>)trim
            : null;
}
