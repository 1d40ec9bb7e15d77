using System.Text.Json.Nodes;

namespace ML.Pruning.Recovery;

/// <summary>What training makes small when there is a teacher: a weighted sum of losses.</summary>
/// <remarks>Immutable. The defaults are those of Kurtic et al. 2023, arXiv:2310.06927: cross-entropy and SquareHead
/// with equal weights.</remarks>
public sealed record DistillationOptions
{
    /// <summary>Weight of the cross-entropy of the next token, at least 0.</summary>
    public double CrossEntropyWeight { get; init; } = 1;

    /// <summary>Weight of the Kullback-Leibler divergence from the teacher's predictions, softened by
    /// <see cref="Temperature"/> and times its square; at least 0.</summary>
    public double KullbackLeiblerWeight { get; init; }

    /// <summary>Temperature T of that divergence, positive.</summary>
    public double Temperature { get; init; } = 2;

    /// <summary>Weight of SquareHead, at least 0: the sum over the layers of the squared distance of the hidden states
    /// from the teacher's, relative to the teacher's mean square.</summary>
    public double SquareHeadWeight { get; init; } = 1;

    /// <summary>The options, for provenance.</summary>
    internal JsonObject ToJson() => new()
    {
        ["crossEntropyWeight"] = CrossEntropyWeight,
        ["kullbackLeiblerWeight"] = KullbackLeiblerWeight,
        ["temperature"] = Temperature,
        ["squareHeadWeight"] = SquareHeadWeight,
    };

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">One is out of range.</exception>
    internal void Validate()
    {
        double[] weights = [CrossEntropyWeight, KullbackLeiblerWeight, SquareHeadWeight];
        if (weights.Any(w => !(w >= 0 && double.IsFinite(w))) || weights.Sum() == 0)
        {
            throw new ArgumentException($"The loss weights are {string.Join(", ", weights)} (cross-entropy, "
                + "Kullback-Leibler, SquareHead); they must be finite, at least 0 and not all 0.");
        }

        if (!(Temperature > 0 && double.IsFinite(Temperature)))
            throw new ArgumentException($"The temperature is {Temperature}; it must be positive and finite.");
    }
}
