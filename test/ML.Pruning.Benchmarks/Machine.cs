using System.Runtime.InteropServices;

namespace ML.Pruning.Benchmarks;

/// <summary>What a number depends on besides the code.</summary>
internal sealed record Machine(string Processor, int Cores, string OperatingSystem, string Runtime)
{
    private const string ProcessorFile = "/proc/cpuinfo";

    /// <summary>The machine this runs on.</summary>
    public static Machine Current { get; } = new(
        ReadProcessor() ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription);

    private static string? ReadProcessor() => !File.Exists(ProcessorFile) ? null : File.ReadLines(ProcessorFile)
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?
        .Split(':', 2)[1].Trim();
}
