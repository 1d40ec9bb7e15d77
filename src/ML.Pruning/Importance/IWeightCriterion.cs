using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Says how much each weight matters; which ones go is for others to decide.</summary>
/// <remarks>A score depends on nothing but the block's own rows, the statistics and the criterion's options, so that
/// tensors can be scored piece by piece, in any order and by several threads. Implementations are immutable.</remarks>
public interface IWeightCriterion
{
    /// <summary>Name, such as <c>magnitude</c>.</summary>
    string Name { get; }

    /// <summary>Which statistics of the inputs it needs, hence whether it needs calibration text.</summary>
    StatisticsNeeds Needs { get; }

    /// <summary>Scores weights; a low score means that the weight can go.</summary>
    /// <param name="block">The weights.</param>
    /// <param name="statistics">Statistics of the input features; null when <see cref="Needs"/> is none.</param>
    /// <param name="scores">Destination [rows, columns], row-major; may not overlap the weights.</param>
    /// <exception cref="ArgumentException">A shape differs, or the statistics are missing or saw no token.</exception>
    void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores);

    /// <summary>How the training run of <see cref="StatisticsNeeds.Movement"/> goes; without meaning unless that is
    /// needed.</summary>
    MovementOptions Movement => MovementOptions.Default;

    /// <summary>Takes from the statistics what scores need of the Hessian, which may be gone when they are asked
    /// for.</summary>
    /// <param name="statistics">Complete statistics.</param>
    void Prepare(ActivationStatistics statistics)
    {
    }

    /// <summary>The options that influence the scores, for provenance.</summary>
    /// <returns>An object of options; empty when there are none.</returns>
    JsonObject Options() => [];
}
