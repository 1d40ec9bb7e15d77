using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>The shape of one transformer layer. Every layer has its own, so a structurally pruned model is just
/// another <see cref="ModelSpec"/>.</summary>
public sealed record LayerSpec
{
    /// <summary>Query heads; a multiple of <see cref="KeyValueHeads"/>.</summary>
    public required int Heads { get; init; }

    /// <summary>Key/value heads (grouped-query attention when fewer than <see cref="Heads"/>).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Width of one head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Neurons of the MLP.</summary>
    public required int MlpWidth { get; init; }

    /// <summary>Linear maps of this layer that have a bias although the family gives them none: a compensation that a
    /// method added (<see cref="ModelSpec.WithAddedBiases"/>).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public LinearParts AddedBiases { get; init; }

    /// <summary>Rows of the query projection: heads times head size.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>Rows of the key and of the value projection: key/value heads times head size.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;
}
