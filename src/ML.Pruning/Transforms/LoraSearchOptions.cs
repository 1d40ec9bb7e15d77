using Microsoft.ML.SearchSpace;
using ML.Pruning.Recovery;

namespace ML.Pruning.Transforms;

/// <summary>What AutoML may choose about LoRA; used as <see cref="PruningSearchOptions"/>.</summary>
/// <remarks>A tuner sets the properties. Not thread-safe.</remarks>
public sealed class LoraSearchOptions
{
    /// <summary>Rank of the updates; searched from 2 to 64.</summary>
    [Range(2, 64, 8, logBase: true)]
    public int Rank { get; set; } = 8;

    /// <summary>Learning rate; searched from 0.0001 to 0.02.</summary>
    [Range(1e-4, 2e-2, 5e-3, logBase: true)]
    public double LearningRate { get; set; } = 5e-3;

    /// <summary>Whether the length of each weight row is trained apart from its direction.</summary>
    [BooleanChoice(false)]
    public bool Dora { get; set; }

    /// <summary>The options that the values spell; alpha is twice the rank.</summary>
    /// <param name="other">Everything else; null = the defaults.</param>
    /// <returns>The options.</returns>
    public LoraOptions ToOptions(LoraOptions? other = null)
    {
        other ??= new LoraOptions();
        return other with
        {
            Rank = Rank,
            Alpha = 2 * Rank,
            Dora = Dora,
            Training = other.Training with { LearningRate = LearningRate },
        };
    }
}
