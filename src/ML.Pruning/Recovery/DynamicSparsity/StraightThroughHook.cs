namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Masks that hide weights instead of removing them: gradients pass through (Bengio et al. 2013,
/// arXiv:1308.3432), so that a hidden weight can come back as it is.</summary>
/// <param name="matrices">The matrices; the hook disposes them.</param>
internal abstract class StraightThroughHook(IReadOnlyList<StraightThroughMatrix> matrices) : TrainingHook
{
    private const string MaskPrefix = "mask.";
    private const string AllPrefix = "all.";

    /// <inheritdoc/>
    public override double? Sparsity =>
        1 - matrices.Sum(m => m.Masked.KeptCount) / (double)matrices.Sum(m => m.Masked.Count);

    /// <summary>The matrices.</summary>
    protected IReadOnlyList<StraightThroughMatrix> Matrices => matrices;

    /// <summary>Whether the weights are trained; otherwise only masks change.</summary>
    protected virtual bool TrainsWeights => true;

    /// <inheritdoc/>
    public sealed override void GradientsReady(int step)
    {
        for (int i = 0; i < matrices.Count; i++)
        {
            UseGradient(step, i);
            if (TrainsWeights) matrices[i].ShowAll();
        }
    }

    /// <inheritdoc/>
    public sealed override void WeightsMoved(int step, TrainedParameters parameters)
    {
        if (TrainsWeights)
            foreach (StraightThroughMatrix matrix in matrices) matrix.Keep();
        ChangeMasks(step, parameters);
        foreach (StraightThroughMatrix matrix in matrices) matrix.ShowMasked();
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, float[]> Save()
    {
        var state = new Dictionary<string, float[]>(StringComparer.Ordinal);
        foreach (StraightThroughMatrix matrix in matrices)
        {
            state.Add(MaskPrefix + matrix.Masked.Name, matrix.Masked.ReadMask());
            if (TrainsWeights) state.Add(AllPrefix + matrix.Masked.Name, matrix.ReadAll());
        }

        return state;
    }

    /// <inheritdoc/>
    public override void Load(IReadOnlyDictionary<string, float[]> state)
    {
        foreach (StraightThroughMatrix matrix in matrices)
        {
            if (TrainsWeights) matrix.Keep(state[AllPrefix + matrix.Masked.Name]);
            matrix.Masked.Change(state[MaskPrefix + matrix.Masked.Name]);
            matrix.ShowMasked();
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (StraightThroughMatrix matrix in matrices) matrix.Dispose();
    }

    /// <summary>Reads the gradient of a matrix, and leaves in it what the optimizer is to use.</summary>
    /// <param name="step">Step, from 0.</param>
    /// <param name="index">Which of <see cref="Matrices"/>.</param>
    protected abstract void UseGradient(int step, int index);

    /// <summary>Chooses the masks of the next step.</summary>
    /// <param name="step">Step that was made, from 0.</param>
    /// <param name="parameters">What is trained.</param>
    protected abstract void ChangeMasks(int step, TrainedParameters parameters);
}
