using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>The data flow of a model from neuron to neuron, and the groups of parameters that follow from it.</summary>
/// <remarks>
/// <para>Ma et al. 2023, arXiv:2305.11627, eq. 1 and 2: a neuron goes when it reads nothing but one that goes (its
/// in-degree is 1), or when nothing but one that goes reads it (its out-degree is 1). Whatever such steps reach from a
/// neuron is a group.</para>
/// <para>Degrees are counted for each connection between two operators on its own: a channel of the residual stream has
/// many readers, and a sum has two operands, yet none of them can do without it. Where a connection joins one neuron to
/// several (a key head and the query heads that read it), the second rule asks that all of them go: with one it is the
/// paper's. Across a linear map every neuron reads every other, so that neither rule applies.</para>
/// <para>The graph is built from what the <see cref="ModelSpec"/> lists, whatever its family. Immutable and
/// thread-safe.</para>
/// </remarks>
public sealed class DependencyGraph
{
    private readonly IReadOnlyDictionary<string, int> _order;

    private DependencyGraph(ModelSpec spec)
    {
        Spec = spec;
        _order = spec.Parameters().Select((p, i) => (p.Name, i)).ToDictionary(p => p.Name, p => p.i);
        IReadOnlyList<GraphNode> nodes = DecoderGraph.Build(spec);
        Families = [.. FindFamilies(nodes), .. Layers()];
    }

    /// <summary>The model.</summary>
    public ModelSpec Spec { get; }

    /// <summary>All groups, by place: heads and neurons of each layer, channels, layers.</summary>
    public IReadOnlyList<GroupFamily> Families { get; }

    /// <summary>Works the groups of a model out.</summary>
    /// <param name="spec">The model.</param>
    /// <returns>The graph.</returns>
    /// <exception cref="PruningException">The model has a parameter of which it is not known what reads or writes it.
    /// </exception>
    public static DependencyGraph Of(ModelSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return new DependencyGraph(spec);
    }

    /// <summary>The groups of one kind in one layer.</summary>
    /// <param name="kind">The kind.</param>
    /// <param name="layer">Layer, from 0; -1 for the channels.</param>
    /// <returns>The family.</returns>
    /// <exception cref="ArgumentException">There is no such family.</exception>
    public GroupFamily Family(GroupKind kind, int layer) =>
        Families.FirstOrDefault(f => f.Kind == kind && f.Layer == layer)
        ?? throw new ArgumentException($"The model has no groups of kind {kind} in layer {layer}.");

    // Every neuron that one is tied to. A group is a largest such set: a query head alone is part of its key/value
    // head.
    private IEnumerable<GroupFamily> FindFamilies(IReadOnlyList<GraphNode> nodes)
    {
        var found = new List<(GraphNode Start, HashSet<GraphNode> Nodes, GroupKind Kind)>();
        foreach (GraphNode node in nodes.Where(n => n.Parameters.Count > 0))
        {
            if (found.Any(f => f.Start.Units == node.Units && f.Nodes.Contains(node))) continue;
            HashSet<GraphNode> reached = [.. Close(node, 0).Select(d => d.Node)];
            GroupKind? kind = reached.Select(n => n.Kind).FirstOrDefault(k => k is not null);
            if (kind is null || found.Any(f => reached.IsSubsetOf(f.Nodes))) continue;
            found.RemoveAll(f => f.Nodes.IsProperSubsetOf(reached));
            found.Add((node, reached, kind.Value));
        }

        foreach ((GraphNode start, _, GroupKind kind) in found)
        {
            int layer = kind == GroupKind.Channel ? -1 : start.Layer;
            yield return new GroupFamily(kind, layer, start.Units, index => Group(kind, layer, start, index));
        }
    }

    // A layer of a rotated model also takes the stream to another basis: it cannot be left out.
    private IEnumerable<GroupFamily> Layers() => Enumerable.Range(0, Spec.Layers.Count)
        .Where(_ => Spec.ResidualWidth is null).Select(layer =>
        new GroupFamily(GroupKind.Layer, layer, 1, _ => new DependencyGroup(GroupKind.Layer, layer, layer,
            [.. Spec.LayerParameters(layer).Select(p => new ParameterSlice(p.Name, 0, 0, (int)p.Shape[0]))], [])));

    private DependencyGroup Group(GroupKind kind, int layer, GraphNode start, int index)
    {
        IReadOnlyList<Dependency> dependencies = Close(start, index);
        var slices = new List<ParameterSlice>();
        foreach (var tensor in dependencies
            .SelectMany(d => d.Node.Parameters.Select(p => (p.Tensor, p.Dimension, Start: d.Unit * p.Width, p.Width)))
            .Distinct().GroupBy(p => (p.Tensor, p.Dimension)))
        {
            // Units of a node are consecutive, hence so are their shares.
            slices.Add(new ParameterSlice(tensor.Key.Tensor, tensor.Key.Dimension, tensor.Min(p => p.Start),
                tensor.Sum(p => p.Width)));
        }

        slices.Sort((a, b) => _order[a.Tensor].CompareTo(_order[b.Tensor]));
        return new DependencyGroup(kind, layer, index, slices, dependencies);
    }

    private static List<Dependency> Close(GraphNode start, int unit)
    {
        var reached = new HashSet<(GraphNode, int)> { (start, unit) };
        var result = new List<Dependency> { new(start, unit, null, false) };
        for (int i = 0; i < result.Count; i++)
        {
            (GraphNode node, int from, _, _) = result[i];
            foreach (GraphNode next in node.Outputs) Reach(node, from, next, forward: true);
            foreach (GraphNode next in node.Inputs) Reach(node, from, next, forward: false);
        }

        return result;

        void Reach(GraphNode node, int from, GraphNode next, bool forward)
        {
            if (next.Units >= node.Units)
            {
                // Each of these neurons has only this one on the connection.
                int several = next.Units / node.Units;
                for (int u = from * several; u < (from + 1) * several; u++) Add(next, u, node, forward);
                return;
            }

            int all = node.Units / next.Units, target = from / all;
            if (Enumerable.Range(target * all, all).All(u => reached.Contains((node, u))))
                Add(next, target, node, forward);
        }

        void Add(GraphNode node, int u, GraphNode cause, bool forward)
        {
            if (reached.Add((node, u))) result.Add(new Dependency(node, u, cause, forward));
        }
    }
}
