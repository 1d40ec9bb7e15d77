using System.Security.Cryptography;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores weights at random: the baseline that every other criterion must beat.</summary>
/// <remarks>The score is uniform in [0, 1) with 24 bits and depends on the seed, the tensor's name and the weight's
/// place only: SplitMix64 (Steele et al. 2014, doi:10.1145/2660193.2660195) of the place, started from a hash of seed
/// and name. Thread-safe.</remarks>
/// <param name="seed">The seed.</param>
public sealed class RandomCriterion(int seed = 0) : IWeightCriterion
{
    /// <summary>The seed.</summary>
    public int Seed { get; } = seed;

    /// <inheritdoc/>
    public string Name => "random";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.None;

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["seed"] = Seed };

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{Seed}:{block.TensorName}"));
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(hash);
        ulong place = (ulong)block.FirstRow * (ulong)block.Columns;
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (Mix(start + (place + (ulong)i + 1) * 0x9E3779B97F4A7C15) >> 40) * (1f / (1 << 24));
    }

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
