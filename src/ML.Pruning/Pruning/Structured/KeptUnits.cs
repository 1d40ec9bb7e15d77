using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>What is left of a layer: indices in ascending order.</summary>
/// <param name="KeyValueHeads">Key/value heads, each with the query heads that read it.</param>
/// <param name="Neurons">Neurons of the MLP.</param>
internal sealed record KeptLayer(IReadOnlyList<int> KeyValueHeads, IReadOnlyList<int> Neurons);

/// <summary>What is left of a model.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
/// <param name="Channels">Channels of the residual stream, in ascending order.</param>
/// <param name="Layers">For each layer what is left of it; null = the layer is gone.</param>
internal sealed record KeptUnits(IReadOnlyList<int> Channels, IReadOnlyList<KeptLayer?> Layers)
{
    /// <summary>The numbers that a spec has, less those that go; which ones does not matter for any count.</summary>
    public static KeptUnits ByCount(ModelSpec spec, Func<GroupKind, int, int> removed)
    {
        return new KeptUnits(First(spec.HiddenSize, GroupKind.Channel, -1), [.. spec.Layers.Select((layer, i) =>
            removed(GroupKind.Layer, i) > 0 ? null : new KeptLayer(
                First(layer.KeyValueHeads, GroupKind.Heads, i), First(layer.MlpWidth, GroupKind.Neuron, i)))]);

        int[] First(int count, GroupKind kind, int layer) => [.. Enumerable.Range(0, count - removed(kind, layer))];
    }

    /// <summary>Everything but some groups.</summary>
    public static KeptUnits Without(ModelSpec spec, IEnumerable<DependencyGroup> removed)
    {
        HashSet<(GroupKind, int, int)> gone = [.. removed.Select(g => (g.Kind, g.Layer, g.Index))];
        return new KeptUnits(Rest(spec.HiddenSize, GroupKind.Channel, -1), [.. spec.Layers.Select((layer, i) =>
            gone.Contains((GroupKind.Layer, i, i)) ? null : new KeptLayer(
                Rest(layer.KeyValueHeads, GroupKind.Heads, i), Rest(layer.MlpWidth, GroupKind.Neuron, i)))]);

        int[] Rest(int count, GroupKind kind, int layer) =>
            [.. Enumerable.Range(0, count).Where(index => !gone.Contains((kind, layer, index)))];
    }

    /// <summary>The layers that are left, in ascending order.</summary>
    public IReadOnlyList<int> LayerIndices => [.. Enumerable.Range(0, Layers.Count).Where(i => Layers[i] is not null)];

    /// <summary>The shape of the smaller model.</summary>
    /// <param name="spec">The shape before.</param>
    /// <exception cref="PruningException">Nothing would be left of something.</exception>
    public ModelSpec Shrink(ModelSpec spec)
    {
        Require(Channels.Count, "channel of the residual stream");
        Require(LayerIndices.Count, "layer");
        return (spec with
        {
            HiddenSize = Channels.Count,
            Layers = [.. LayerIndices.Select(i => Shrink(spec.Layers[i], i))],
        }).Validate();
    }

    private LayerSpec Shrink(LayerSpec layer, int index)
    {
        KeptLayer kept = Layers[index]!;
        Require(kept.KeyValueHeads.Count, $"key/value head of layer {index}");
        Require(kept.Neurons.Count, $"neuron of layer {index}");
        return layer.KeepHeads(kept.KeyValueHeads) with { MlpWidth = kept.Neurons.Count };
    }

    private static void Require(int count, string what)
    {
        if (count == 0) throw new PruningException($"No {what} would be left; prune less.");
    }
}
