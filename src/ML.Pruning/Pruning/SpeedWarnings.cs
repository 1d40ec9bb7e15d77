using System.Globalization;
using ML.Pruning.Kernels;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Says plainly where zeros bring no speed, by what the kernels do with them (docs/kernels.md, "When zeros
/// bring no speed").</summary>
/// <param name="Target">The best that the kernels have for the machine.</param>
/// <param name="CacheBytes">Its second-level cache; null if unknown.</param>
internal sealed record SpeedWarnings(KernelTarget Target, long? CacheBytes)
{
    private const double LeastSparsity = 0.2;
    private const double LeastInCache = 0.9;

    /// <summary>Those of this machine.</summary>
    public static SpeedWarnings OfThisMachine() => new(
        Enum.GetValues<KernelTarget>().Where(KernelLibrary.Supports).Max(), MachineCache.SecondLevelBytes);

    /// <summary>What to tell about pruned tensors.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="pattern">The shapes of zeros.</param>
    /// <returns>Sentences; none if the zeros bring what they can.</returns>
    public IEnumerable<string> Of(IReadOnlyList<TensorReport> tensors, SparsityPattern pattern)
    {
        if (tensors.Count == 0) yield break;
        if (Target is KernelTarget.Managed or KernelTarget.Scalar)
        {
            yield return "No speed on this machine: " + (Target == KernelTarget.Managed
                ? "the native kernels are missing, and those in C# are slower than dense products elsewhere."
                : "it has no vector instructions that the kernels use, so zeros make nothing faster here.");
            yield break;
        }

        TensorReport[] low = [.. tensors.Where(t => t.Sparsity < LeastSparsity)];
        if (low.Length > 0)
        {
            yield return Text($"No speed from {low.Length} of {tensors.Count} tensors: they have fewer than ")
                + Text($"{LeastSparsity:P0} zeros, from {low.Min(t => t.Sparsity):P1} on, and run best as dense ones.");
        }

        if (OfPattern(pattern) is { } own) yield return own;
        if (Target == KernelTarget.Avx2 && pattern is not BlockPattern && tensors.Any(t => t.Grid == "int8"))
        {
            yield return "No speed from single zeros among int8 weights on this machine: with AVX2 dense int8 products "
                + "are faster; choose a block pattern of 16 rows by 4 columns, or other weights.";
        }

        long bytes = sizeof(float) * tensors.Sum(t => t.Elements);
        double sparsity = (double)tensors.Sum(t => t.ZerosAfter) / tensors.Sum(t => t.Elements);
        if (bytes <= CacheBytes && sparsity < LeastInCache)
        {
            yield return Text($"No speed at this size: the pruned tensors take {bytes >> 10} KiB as float32 and ")
                + Text($"stay in this machine's second-level cache of {CacheBytes >> 10} KiB, where dense products ")
                + Text($"are faster up to about {LeastInCache:P0} zeros.");
        }
    }

    // What the kernels do not make use of.
    private static string? OfPattern(SparsityPattern pattern) => pattern switch
    {
        NofMPattern => $"The pattern {pattern} brings no more speed than as many zeros anywhere: the kernels have no "
            + "layout of its own for it.",
        BlockPattern { Rows: var rows } when rows % PackedShape.GroupRows != 0 =>
            $"The pattern {pattern} brings no more speed than as many zeros anywhere: the kernels skip blocks of a "
            + $"multiple of {PackedShape.GroupRows} rows.",
        BlockPattern { Columns: var odd } when odd % 2 != 0 => $"The pattern {pattern} is skipped whole by the kernels "
            + "for float32 only; bfloat16 needs an even number of columns, int8 and int4 a multiple of 4.",
        BlockPattern { Columns: var columns } when columns % 4 != 0 => $"The pattern {pattern} is skipped whole by the "
            + "kernels for float32 and bfloat16 only; int8 and int4 need a multiple of 4 columns.",
        _ => null,
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
