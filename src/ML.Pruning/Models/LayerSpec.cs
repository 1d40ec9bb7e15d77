using System.Text.Json.Serialization;

namespace ML.Pruning.Models;

/// <summary>The shape of one transformer layer. Every layer has its own, so a structurally pruned model is just
/// another <see cref="ModelSpec"/>.</summary>
/// <remarks>Immutable, compared by value, thread-safe.</remarks>
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

    /// <summary>Whether a query of this layer sees all earlier keys although the model has a
    /// <see cref="ModelSpec.SlidingWindow"/>.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FullAttention { get; init; }

    /// <summary>The ALiBi slopes of the query heads; there when <see cref="ModelSpec.Positions"/> is
    /// <see cref="PositionKind.Alibi"/>, and only then.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public HeadSlopes? AlibiSlopes { get; init; }

    /// <summary>Rows of the query projection: heads times head size.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>Rows of the key and of the value projection: key/value heads times head size.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;

    /// <summary>This layer with some of its key/value heads and the query heads that read them; slopes go
    /// along.</summary>
    /// <param name="keyValueHeads">The key/value heads that stay, ascending, from 0.</param>
    /// <returns>The smaller layer.</returns>
    /// <exception cref="ArgumentException">None stays, or they are not ascending and within the layer.</exception>
    public LayerSpec KeepHeads(IReadOnlyList<int> keyValueHeads)
    {
        ArgumentNullException.ThrowIfNull(keyValueHeads);
        for (int i = 0; i < keyValueHeads.Count; i++)
        {
            if (keyValueHeads[i] < 0 || keyValueHeads[i] >= KeyValueHeads
                || i > 0 && keyValueHeads[i] <= keyValueHeads[i - 1])
            {
                throw new ArgumentException($"The key/value heads to keep are {string.Join(", ", keyValueHeads)}; they "
                    + $"must ascend within 0 and {KeyValueHeads - 1}.", nameof(keyValueHeads));
            }
        }

        if (keyValueHeads.Count == 0)
            throw new ArgumentException("At least one key/value head must stay.", nameof(keyValueHeads));
        int perGroup = Heads / KeyValueHeads;
        return this with
        {
            Heads = keyValueHeads.Count * perGroup,
            KeyValueHeads = keyValueHeads.Count,
            AlibiSlopes = AlibiSlopes is { } slopes
                ? new HeadSlopes(keyValueHeads.SelectMany(
                    group => Enumerable.Range(group * perGroup, perGroup).Select(head => slopes[head])))
                : null,
        };
    }
}
