using System.Text.Json.Nodes;
using ML.Pruning.Pruning.Structured;

namespace ML.Pruning.Pruning;

/// <summary>Removes layers that the caller names: a list, the first ones or the last ones.</summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class DepthPruning : StructuredPruning
{
    /// <summary>The layers that go, from 0; null = those that <see cref="First"/> and <see cref="Last"/> say.</summary>
    public IReadOnlyList<int>? Layers { get; init; }

    /// <summary>How many of the first layers go.</summary>
    public int First { get; init; }

    /// <summary>How many of the last layers go.</summary>
    public int Last { get; init; }

    /// <inheritdoc/>
    public override string Name => "depth";

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["method"] = Name,
        ["layers"] = Layers is null ? null : new JsonArray([.. Layers.Order().Select(layer => (JsonNode)layer)]),
        ["first"] = First,
        ["last"] = Last,
    };

    /// <inheritdoc/>
    private protected override IReadOnlyList<PlannedFamily> PlanFamilies(DependencyGraph graph)
    {
        LayerRemoval.RequirePlainStream(graph.Spec, Name);
        int count = graph.Spec.Layers.Count;
        if (Layers is not null && (First != 0 || Last != 0))
            throw new ArgumentException("Give either the layers that go, or how many of the first and last ones.");
        if (First < 0 || Last < 0)
            throw new ArgumentException($"{First} first and {Last} last layers are to go; numbers must not be "
                + "negative.");
        IReadOnlyList<int> gone = Layers
            ?? [.. Enumerable.Range(0, count).Where(layer => layer < First || layer >= count - Last)];
        if (gone.Count == 0) throw new ArgumentException("No layer is to go; name some, or how many.");
        if (gone.FirstOrDefault(layer => layer < 0 || layer >= count, -1) is var bad && bad != -1
            || gone.Distinct().Count() != gone.Count)
        {
            throw new ArgumentException($"The layers that go are {string.Join(", ", gone)}; they must be different "
                + $"ones of the model's, 0..{count - 1}.");
        }

        return LayerRemoval.Plan(graph.Spec, gone.ToHashSet(), isExact: true);
    }

    /// <inheritdoc/>
    private protected override StructuralDecision Decide(PruningRun run, DependencyGraph graph) =>
        new([.. run.Plan.Families.Where(f => f.Removed > 0)
            .Select(f => new GroupChoice(graph.Family(f.Kind, f.Layer), [0]))]);
}
