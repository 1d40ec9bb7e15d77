namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Sparse evolutionary training (SET): what comes back is drawn at random.</summary>
/// <remarks>Mocanu et al. 2018, arXiv:1707.04780, where weights come back with random values and the fraction that goes
/// is constant; here they start at 0 and the fraction falls, as for RigL. See <see cref="DropAndGrow"/>.</remarks>
public sealed record SparseEvolution : DropAndGrow
{
    /// <inheritdoc/>
    public override string Name => "set";

    /// <inheritdoc/>
    internal override float[] Growth(MaskedParameter mask, Random random)
    {
        var scores = new float[mask.Count];
        for (int i = 0; i < scores.Length; i++) scores[i] = random.NextSingle();
        return scores;
    }
}
