namespace ML.Pruning.Sparsity;

/// <summary>An allocation that looks at scores of the model as it was before any weight moved.</summary>
/// <remarks>By shape alone (<see cref="ISparsityAllocation.Allocate"/>) it tells what to expect.</remarks>
public interface IScoredAllocation : ISparsityAllocation
{
    /// <summary>Whether the scores are |W| times the norm of the input feature (Wanda's), whatever the method; else
    /// they are those of the method's own criterion.</summary>
    bool UsesActivationScores { get; }

    /// <summary>The sparsity of each tensor.</summary>
    /// <param name="tensors">The tensors to prune.</param>
    /// <param name="sparsity">The sparsity of all of them together, in [0, 1).</param>
    /// <param name="scores">The scores of the tensors, in the same order.</param>
    /// <param name="cancellationToken">Checked between runs of rows.</param>
    /// <returns>One number for each tensor, in the same order; legal ones lie in [0, 1).</returns>
    IReadOnlyList<double> AllocateByScores(IReadOnlyList<WeightShape> tensors, double sparsity,
        IReadOnlyList<IScoreSource> scores, CancellationToken cancellationToken = default);
}
