namespace ML.Pruning.Sparsity;

/// <summary>Gives every tensor the same sparsity.</summary>
public sealed class UniformAllocation : ISparsityAllocation
{
    /// <summary>The only instance that is needed.</summary>
    public static UniformAllocation Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "uniform";

    /// <inheritdoc/>
    public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        var result = new double[tensors.Count];
        Array.Fill(result, sparsity);
        return result;
    }
}
