using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>What methods that remove whole layers share.</summary>
internal static class LayerRemoval
{
    /// <summary>Refuses models whose layers cannot be left out.</summary>
    /// <exception cref="PruningException">Each layer takes the stream from one basis to another.</exception>
    public static void RequirePlainStream(ModelSpec spec, string method)
    {
        if (spec.ResidualWidth is null) return;
        throw new PruningException($"The model is rotated (SliceGPT): its layers cannot be left out, so {method} does "
            + "not apply; remove layers first, then slice.");
    }

    /// <summary>A family for each layer, with those that go.</summary>
    /// <exception cref="ArgumentException">No layer would be left.</exception>
    public static IReadOnlyList<PlannedFamily> Plan(ModelSpec spec, IReadOnlySet<int> gone, bool isExact)
    {
        if (gone.Count >= spec.Layers.Count)
            throw new ArgumentException($"{gone.Count} of {spec.Layers.Count} layers are to go; at least one must "
                + "stay.");
        return [.. Enumerable.Range(0, spec.Layers.Count)
            .Select(layer => new PlannedFamily(GroupKind.Layer, layer, 1, gone.Contains(layer) ? 1 : 0, isExact))];
    }
}
