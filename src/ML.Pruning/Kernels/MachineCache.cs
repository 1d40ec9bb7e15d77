using System.Globalization;

namespace ML.Pruning.Kernels;

/// <summary>What is known of this machine's caches.</summary>
internal static class MachineCache
{
    private const string SecondLevel = "/sys/devices/system/cpu/cpu0/cache/index2/size";

    /// <summary>Bytes of a core's second-level cache; null where the system does not tell (it does on Linux).</summary>
    public static long? SecondLevelBytes { get; } =
        File.Exists(SecondLevel) ? Parse(File.ReadAllText(SecondLevel)) : null;

    // Such as 2048K.
    private static long? Parse(string size)
    {
        string trimmed = size.Trim();
        int unit = trimmed.EndsWith('K') ? 10 : trimmed.EndsWith('M') ? 20 : 0;
        return long.TryParse(trimmed.TrimEnd('K', 'M'), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            ? count << unit
            : null;
    }
}
