namespace ML.Pruning.Pruning.Structured;

/// <summary>Parameters that can only be removed together: when one of them goes, the others have nothing left to read,
/// or nobody that reads them.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class DependencyGroup
{
    private readonly IReadOnlyList<Dependency> _dependencies;

    internal DependencyGroup(
        GroupKind kind, int layer, int index, IReadOnlyList<ParameterSlice> slices,
        IReadOnlyList<Dependency> dependencies)
    {
        Kind = kind;
        Layer = layer;
        Index = index;
        Slices = slices;
        _dependencies = dependencies;
    }

    /// <summary>What the group makes up.</summary>
    public GroupKind Kind { get; }

    /// <summary>Layer, from 0; -1 for a channel, which runs through all layers.</summary>
    public int Layer { get; }

    /// <summary>Which key/value head, neuron, channel or layer, from 0.</summary>
    public int Index { get; }

    /// <summary>What goes with the group, in the order of the forward pass.</summary>
    public IReadOnlyList<ParameterSlice> Slices { get; }

    /// <summary>Why these parameters belong together.</summary>
    /// <returns>One sentence for each step of the reasoning.</returns>
    public IEnumerable<string> Explain() => _dependencies.Count == 0
        ? ["A layer only adds to the residual stream, which passes it by when it is gone."]
        : _dependencies.Select(d => d.Explain()).Distinct();
}
