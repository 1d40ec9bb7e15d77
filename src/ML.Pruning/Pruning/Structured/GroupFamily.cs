namespace ML.Pruning.Pruning.Structured;

/// <summary>All groups of one kind at one place: the neurons of a layer's MLP, the heads of its attention, the channels
/// of the residual stream, or a layer.</summary>
/// <remarks>Immutable and thread-safe; groups are worked out when asked for.</remarks>
public sealed class GroupFamily
{
    private readonly Func<int, DependencyGroup> _group;

    internal GroupFamily(GroupKind kind, int layer, int count, Func<int, DependencyGroup> group)
    {
        Kind = kind;
        Layer = layer;
        Count = count;
        _group = group;
    }

    /// <summary>What a group makes up.</summary>
    public GroupKind Kind { get; }

    /// <summary>Layer, from 0; -1 for the channels.</summary>
    public int Layer { get; }

    /// <summary>How many groups there are.</summary>
    public int Count { get; }

    /// <summary>One of the groups.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    /// <returns>The group.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such group.</exception>
    public DependencyGroup this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return _group(index);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        GroupKind.Channel => $"{Count} channels",
        GroupKind.Heads => $"layer {Layer}: {Count} key/value heads",
        GroupKind.Neuron => $"layer {Layer}: {Count} neurons",
        _ => $"layer {Layer}",
    };
}
