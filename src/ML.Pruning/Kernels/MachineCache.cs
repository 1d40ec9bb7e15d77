using System.Globalization;

namespace ML.Pruning.Kernels;

/// <summary>What is known of this machine's processor and its caches.</summary>
internal static class MachineCache
{
    private const string SecondLevel = "/sys/devices/system/cpu/cpu0/cache/index2/size";
    private const string ProcessorFile = "/proc/cpuinfo";

    /// <summary>The processor's name; the machine's where the system does not tell.</summary>
    public static string Processor { get; } = FindProcessor() ?? Environment.MachineName;

    /// <summary>Bytes of a core's second-level cache; null where the system does not tell (it does on Linux).</summary>
    public static long? SecondLevelBytes { get; } =
        File.Exists(SecondLevel) ? Parse(File.ReadAllText(SecondLevel)) : null;

    private static string? FindProcessor() => File.Exists(ProcessorFile)
        ? File.ReadLines(ProcessorFile).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?
            .Split(':', 2)[^1].Trim()
        : Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER");

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
