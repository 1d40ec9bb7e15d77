using System.Text.Json.Nodes;
using ML.Pruning.Pruning;

namespace ML.Pruning.Recovery;

/// <summary>How sparse fine-tuning went.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed record SparseFineTuneReport
{
    /// <summary>The training.</summary>
    public required TrainingReport Training { get; init; }

    /// <summary>The matrices whose zeros are kept: zeros before the training, and after as stored in the
    /// model.</summary>
    public required IReadOnlyList<TensorReport> Tensors { get; init; }

    /// <summary>The pruning before the training; null if there was none.</summary>
    public PruningReport? Pruning { get; init; }

    /// <summary>Fraction of zeros in <see cref="Tensors"/>, counted in the stored model, in [0, 1].</summary>
    public double Sparsity => Tensors.Sum(t => t.ZerosAfter) / (double)Tensors.Sum(t => t.Elements);

    /// <summary>The report as one JSON object.</summary>
    /// <returns>Keys sparsity, tensors, pruning, and those of <see cref="TrainingReport.ToJson"/>.</returns>
    public JsonObject ToJson()
    {
        JsonObject json = Training.ToJson();
        json["sparsity"] = Sparsity;
        json["tensors"] = new JsonArray([.. Tensors.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Name,
            ["elements"] = t.Elements,
            ["zerosBefore"] = t.ZerosBefore,
            ["zerosAfter"] = t.ZerosAfter,
            ["sparsity"] = t.Sparsity,
        })]);
        json["pruning"] = Pruning?.ToJson();
        return json;
    }
}
