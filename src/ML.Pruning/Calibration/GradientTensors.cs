using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Calibration;

/// <summary>Gradient statistics as tensors of a file: for a weight <c>w</c> its sums <c>w.gradient</c>,
/// <c>w.squared_gradient</c> and <c>w.movement</c> (F64 [count], as far as they are gathered) and
/// <c>w.gradient_counts</c> (I64: windows, steps).</summary>
internal static class GradientTensors
{
    private const string Counts = ".gradient_counts";

    private static readonly (StatisticsNeeds Need, string Suffix)[] s_sums =
    [
        (StatisticsNeeds.Gradient, ".gradient"),
        (StatisticsNeeds.SquaredGradient, ".squared_gradient"),
        (StatisticsNeeds.Movement, ".movement"),
    ];

    /// <summary>The tensors of one weight.</summary>
    public static IEnumerable<StoredTensor> Of(string name, GradientStatistics statistics)
    {
        foreach ((StatisticsNeeds need, string suffix) in s_sums)
        {
            if (statistics.Needs.HasFlag(need))
                yield return new DoubleTensor(name + suffix, statistics.Sums(need), [statistics.Count]);
        }

        yield return BytesTensor.OfIntegers(name + Counts, [statistics.WindowCount, statistics.StepCount]);
    }

    /// <summary>Which sums of a weight are there.</summary>
    public static StatisticsNeeds Needs(string name, IReadOnlyDictionary<string, MappedTensor> tensors) => s_sums
        .Where(s => tensors.ContainsKey(name + s.Suffix)).Aggregate(StatisticsNeeds.None, (all, s) => all | s.Need);

    /// <summary>The statistics of one weight.</summary>
    /// <param name="name">Name of the weight.</param>
    /// <param name="count">Its elements.</param>
    /// <param name="needs">Which sums to read.</param>
    /// <param name="tensors">The tensors by name.</param>
    /// <exception cref="CheckpointFormatException">A tensor is missing, or does not fit.</exception>
    public static GradientStatistics Read(
        string name, int count, StatisticsNeeds needs, IReadOnlyDictionary<string, MappedTensor> tensors)
    {
        MappedTensor Tensor(string suffix) => tensors.GetValueOrDefault(name + suffix)
            ?? throw new CheckpointFormatException($"The file of statistics lacks {Show.Quote(name + suffix)}.");
        MappedTensor stored = Tensor(Counts);
        if (stored.Type != TensorType.I64 || stored.ElementCount != 2)
            throw new CheckpointFormatException($"The counts {Show.Quote(stored.Name)} are not two integers of I64.");
        Span<long> counts = stackalloc long[2];
        stored.ReadBytes(0, MemoryMarshal.AsBytes(counts));
        var statistics = new GradientStatistics(count, needs, (int)counts[0], (int)counts[1]);
        foreach ((StatisticsNeeds need, string suffix) in s_sums)
            if (statistics.Needs.HasFlag(need)) DoubleTensor.Read(Tensor(suffix), statistics.Sums(need).Span);
        return statistics;
    }
}
