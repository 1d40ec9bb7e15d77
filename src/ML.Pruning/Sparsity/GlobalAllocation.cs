namespace ML.Pruning.Sparsity;

/// <summary>One threshold for the scores of all tensors decides how sparse each becomes; within a tensor the method's
/// own comparison group decides what goes.</summary>
/// <remarks>Scores are those of the method's criterion before any weight moved. With the group tensor the mask is that
/// of the group model. Immutable and thread-safe.</remarks>
public sealed class GlobalAllocation : IScoredAllocation
{
    /// <summary>The only instance that is needed.</summary>
    public static GlobalAllocation Instance { get; } = new();

    /// <inheritdoc/>
    public string Name => "global";

    /// <inheritdoc/>
    public bool UsesActivationScores => false;

    /// <inheritdoc/>
    public IReadOnlyList<double> Allocate(IReadOnlyList<WeightShape> tensors, double sparsity) =>
        UniformAllocation.Instance.Allocate(tensors, sparsity);

    /// <inheritdoc/>
    public IReadOnlyList<double> AllocateByScores(IReadOnlyList<WeightShape> tensors, double sparsity,
        IReadOnlyList<IScoreSource> scores, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(scores);
        IReadOnlyList<WeightMask> masks =
            MaskSelector.SelectJointly(scores, SparsityPattern.Unstructured, sparsity, cancellationToken);

        // Half a weight more, so that cutting count * sparsity gives the same number again.
        return [.. masks.Select(m =>
            m.RemovedCount == 0 ? 0 : Math.Min((m.RemovedCount + 0.5) / m.Count, Math.BitDecrement(1.0)))];
    }
}
