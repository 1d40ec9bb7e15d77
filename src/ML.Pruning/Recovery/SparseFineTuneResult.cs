using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Pruning;

namespace ML.Pruning.Recovery;

/// <summary>A sparse model after training, and how that went.</summary>
/// <param name="Model">The model; the caller disposes it.</param>
/// <param name="Report">How the training went.</param>
/// <param name="Tensors">The matrices whose zeros are kept: zeros before, and after as stored in the model.</param>
public sealed record SparseFineTuneResult(
    LanguageModel Model, TrainingReport Report, IReadOnlyList<TensorReport> Tensors)
{
    /// <summary>What the pruning before the training did; null if there was none.</summary>
    public PruningReport? Pruning { get; init; }

    /// <summary>Fraction of zeros in <see cref="Tensors"/>, counted in the stored model, in [0, 1].</summary>
    public double Sparsity => Tensors.Sum(t => t.ZerosAfter) / (double)Tensors.Sum(t => t.Elements);

    /// <summary>The result as one JSON object.</summary>
    /// <returns>Keys sparsity, tensors, training, pruning.</returns>
    public JsonObject ToJson() => new()
    {
        ["sparsity"] = Sparsity,
        ["tensors"] = new JsonArray([.. Tensors.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Name,
            ["elements"] = t.Elements,
            ["zerosBefore"] = t.ZerosBefore,
            ["zerosAfter"] = t.ZerosAfter,
            ["sparsity"] = t.Sparsity,
        })]),
        ["training"] = Report.ToJson(),
        ["pruning"] = Pruning?.ToJson(),
    };
}
