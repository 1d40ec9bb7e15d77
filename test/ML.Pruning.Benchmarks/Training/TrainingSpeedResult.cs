using System.Globalization;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>The speed of a kind of training step here and in PyTorch, measured alternately.</summary>
/// <param name="Model">The model.</param>
/// <param name="Kind">full = all weights; lora = adapters; masked = adapters that keep the zeros of a pruned
/// model.</param>
/// <param name="TokensPerSecond">Here, by the median step.</param>
/// <param name="PyTorchTokensPerSecond">In PyTorch, by the median step.</param>
/// <param name="TimeRatio">Median of the ratios of each pair of steps, ours over PyTorch's; below 1 = faster.</param>
/// <param name="Steps">Steps measured.</param>
/// <param name="FirstLoss">Loss of the first step, here.</param>
/// <param name="LargestLossDifference">Largest difference of the losses here and there over the first steps that must
/// agree: all of them for full, whose start is the same; the first for adapters, whose A is drawn.</param>
internal sealed record TrainingSpeedResult(string Model, string Kind, double TokensPerSecond,
    double PyTorchTokensPerSecond, double TimeRatio, int Steps, double FirstLoss, double LargestLossDifference)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Model}, {Kind}: {TokensPerSecond:F0} tokens/s, PyTorch {PyTorchTokensPerSecond:F0}; time ratio "
        + $"{TimeRatio:F3} over {Steps} steps; first loss {FirstLoss:F4}, differing by {LargestLossDifference:E1}");
}

/// <summary>What a long run holds at its end and not at its start.</summary>
/// <param name="Model">The model.</param>
/// <param name="Kind">The kind of step.</param>
/// <param name="Steps">Steps between the two measurements.</param>
/// <param name="GrowthBytes">Growth of the resident memory of the process.</param>
/// <param name="SecondHalfBytes">What of it came in the second half of the steps: a leak grows on, caches and compiled code
/// do not.</param>
/// <param name="ManagedBytes">Growth of the memory committed by the garbage collector.</param>
/// <param name="TensorGrowth">Growth of the number of live tensor objects.</param>
internal sealed record TrainingMemoryResult(string Model, string Kind, int Steps, long GrowthBytes,
    long SecondHalfBytes, long ManagedBytes, long TensorGrowth)
{
    private const double MiB = 1 << 20;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Model}, {Kind}: {Steps} steps, memory {GrowthBytes / MiB:+0.0;-0.0} MiB, in the second half "
        + $"{SecondHalfBytes / MiB:+0.0;-0.0}, managed {ManagedBytes / MiB:+0.0;-0.0}; {TensorGrowth:+0;-0;0} tensors");
}
