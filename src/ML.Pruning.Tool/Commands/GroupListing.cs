using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Tool.Commands;

/// <summary>The dependency groups of a model as <c>plan --explain</c> shows them: of each family the first one, or the
/// one that was asked for.</summary>
internal sealed class GroupListing
{
    private readonly (GroupFamily Family, int Index)[] _shown;

    /// <summary>Works the groups out.</summary>
    /// <param name="spec">The model.</param>
    /// <param name="wanted">KIND:LAYER:INDEX, or KIND:INDEX for what runs through all layers or is one; null = the
    /// first
    /// of each family.</param>
    /// <exception cref="UserErrorException">There is no such group.</exception>
    public GroupListing(ModelSpec spec, string? wanted)
    {
        DependencyGraph graph = DependencyGraph.Of(spec);
        _shown = wanted is null ? [.. graph.Families.Select(f => (f, 0))] : [Find(graph, wanted)];
    }

    /// <summary>For reading.</summary>
    public string ToText()
    {
        var text = new StringBuilder();
        foreach ((GroupFamily family, int index) in _shown)
        {
            DependencyGroup group = family[index];
            text.Append(CultureInfo.InvariantCulture, $"{family}; number {index} takes along:\n");
            foreach (ParameterSlice slice in group.Slices) text.Append($"  {slice}\n");
            foreach (string why in group.Explain()) text.Append($"    {why}\n");
        }

        return text.ToString();
    }

    /// <summary>Keys kind, layer, count, index, slices {tensor, dimension, start, count}, why.</summary>
    public JsonArray ToJson() => [.. _shown.Select(s => (JsonNode)new JsonObject
    {
        ["kind"] = s.Family.Kind.ToString().ToLowerInvariant(),
        ["layer"] = s.Family.Layer >= 0 ? s.Family.Layer : null,
        ["count"] = s.Family.Count,
        ["index"] = s.Index,
        ["slices"] = new JsonArray([.. s.Family[s.Index].Slices.Select(slice => (JsonNode)new JsonObject
        {
            ["tensor"] = slice.Tensor,
            ["dimension"] = slice.Dimension,
            ["start"] = slice.Start,
            ["count"] = slice.Count,
        })]),
        ["why"] = new JsonArray([.. s.Family[s.Index].Explain().Select(why => (JsonNode)why)]),
    })];

    private static (GroupFamily Family, int Index) Find(DependencyGraph graph, string wanted)
    {
        string[] parts = wanted.Split(':');
        int[] numbers = [.. parts.Skip(1).Select(
            p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out int n) ? n : -1)];
        foreach (GroupFamily family in graph.Families)
        {
            if (!family.Kind.ToString().Equals(parts[0], StringComparison.OrdinalIgnoreCase)) continue;
            (int layer, int index) = (family.Kind, numbers) switch
            {
                (GroupKind.Channel, [int channel]) => (-1, channel),
                (GroupKind.Layer, [int whole]) => (whole, 0),
                (GroupKind.Heads or GroupKind.Neuron, [int of, int number]) => (of, number),
                _ => (-1, -1),
            };
            if (family.Layer == layer && index >= 0 && index < family.Count) return (family, index);
        }

        throw new UserErrorException($"--explain-group is \"{wanted}\"; the model has no such group. It must look like "
            + "heads:LAYER:INDEX, neuron:LAYER:INDEX, channel:INDEX or layer:LAYER, counted from 0.");
    }
}
