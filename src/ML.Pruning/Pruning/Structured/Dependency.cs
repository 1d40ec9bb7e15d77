namespace ML.Pruning.Pruning.Structured;

/// <summary>A neuron of a group, and why it belongs to it.</summary>
/// <param name="Node">Where it is.</param>
/// <param name="Unit">Which one.</param>
/// <param name="Cause">The node whose neurons took it along; null for the one that the group started from.</param>
/// <param name="Forward">Whether the cause feeds it (the first rule) or reads it (the second).</param>
internal readonly record struct Dependency(GraphNode Node, int Unit, GraphNode? Cause, bool Forward)
{
    /// <summary>One sentence for the reader.</summary>
    public string Explain() => Cause is null ? $"'{Node.Name}' is where it starts."
        : Forward ? $"'{Node.Name}' goes because all that it reads of '{Cause.Name}' goes."
        : $"'{Node.Name}' goes because all of '{Cause.Name}' that reads it goes.";
}
