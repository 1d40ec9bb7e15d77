using System.Diagnostics.CodeAnalysis;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Checks that criteria share.</summary>
internal static class CriterionChecks
{
    /// <summary>Refuses a block or a destination of the wrong length.</summary>
    public static void Shape(WeightBlock block, Span<float> scores)
    {
        long count = (long)block.Rows * block.Columns;
        if (block.Weight.Length != count || scores.Length != count)
        {
            throw new ArgumentException($"Tensor '{block.TensorName}': {block.Weight.Length} weights and room for "
                + $"{scores.Length} scores were given for a block of [{block.Rows}, {block.Columns}].");
        }
    }

    /// <summary>Refuses statistics that are missing, empty or of another width.</summary>
    public static void Statistics(WeightBlock block, [NotNull] ActivationStatistics? statistics)
    {
        if (statistics is null)
            throw new ArgumentException($"Tensor '{block.TensorName}': the criterion needs activation statistics.");
        if (statistics.Features != block.Columns)
        {
            throw new ArgumentException($"Tensor '{block.TensorName}' has {block.Columns} input features; the "
                + $"statistics have {statistics.Features}.");
        }

        if (statistics.TokenCount == 0)
            throw new ArgumentException($"Tensor '{block.TensorName}': the statistics have seen no token.");
    }

    /// <summary>Refuses a damping that is negative or not finite.</summary>
    public static double Damping(double damping) => damping >= 0 && double.IsFinite(damping)
        ? damping
        : throw new ArgumentException($"The damping is {damping}; it must be 0 or more (0.01 is usual).",
            nameof(damping));

    /// <summary>Refuses a block without columns.</summary>
    public static int BlockSize(int blockSize) => blockSize >= 1
        ? blockSize
        : throw new ArgumentException($"The block size is {blockSize}; it must be 1 or more (128 is usual).",
            nameof(blockSize));
}
