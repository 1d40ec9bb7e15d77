using System.Text.Json.Nodes;

namespace ML.Pruning.Sparsity;

/// <summary>The shape of a weight matrix that is to be pruned.</summary>
/// <param name="Name">Canonical name.</param>
/// <param name="Layer">Layer, from 0, or -1.</param>
/// <param name="Rows">Output features.</param>
/// <param name="Columns">Input features.</param>
public sealed record WeightShape(string Name, int Layer, int Rows, int Columns)
{
    /// <summary>Number of weights.</summary>
    public long Count => (long)Rows * Columns;
}

/// <summary>Shares a model's sparsity out among its tensors.</summary>
/// <remarks>Implementations are immutable and thread-safe.</remarks>
public interface ISparsityAllocation
{
    /// <summary>Name, such as <c>uniform</c>.</summary>
    string Name { get; }

    /// <summary>The sparsity of each tensor.</summary>
    /// <param name="tensors">The tensors to prune.</param>
    /// <param name="sparsity">The sparsity of all of them together, in [0, 1).</param>
    /// <returns>One number in [0, 1) for each tensor, in the same order.</returns>
    IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity);

    /// <summary>The options that influence the sparsities, for provenance.</summary>
    /// <returns>An object of options; empty when there are none.</returns>
    JsonObject Options() => [];
}
