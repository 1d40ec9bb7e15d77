using System.Numerics.Tensors;
using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by its absolute value or by its square.</summary>
/// <remarks>score = |W| or W^2. Single weights have the same order by both (but for squares that leave the range of
/// float32); blocks do not. Han et al. 2015, arXiv:1506.02626. Thread-safe.</remarks>
/// <param name="norm">Which of both.</param>
public sealed class MagnitudeCriterion(WeightNorm norm = WeightNorm.L1) : IWeightCriterion
{
    /// <summary>Which of both.</summary>
    public WeightNorm Norm { get; } = Enum.IsDefined(norm)
        ? norm
        : throw new ArgumentException($"The norm is {norm}; choose L1 or L2.", nameof(norm));

    /// <inheritdoc/>
    public string Name => "magnitude";

    /// <inheritdoc/>
    public StatisticsNeeds Needs => StatisticsNeeds.None;

    /// <inheritdoc/>
    public JsonObject Options() => new() { ["norm"] = Norm.ToString().ToLowerInvariant() };

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        if (Norm == WeightNorm.L1) TensorPrimitives.Abs(block.Weight, scores);
        else TensorPrimitives.Multiply(block.Weight, block.Weight, scores);
    }
}
