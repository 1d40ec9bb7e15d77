namespace ML.Pruning.Recovery;

/// <summary>Changes the masks while a model is trained.</summary>
/// <remarks>All calls come from the thread that trains.</remarks>
internal abstract class MaskUpdate
{
    /// <summary>Whether the masks are as they are to be in the end, so that the weights may be the result.</summary>
    public virtual bool IsComplete => true;

    /// <summary>Whether the weights stay where they are in the step of the last update.</summary>
    public virtual bool SkipsStep => false;

    /// <summary>Changes the masks if it is time (<see cref="MaskedParameter.Change(Sparsity.WeightMask)"/>): what goes
    /// is 0 from then on, and the optimizer forgets it; what comes back starts at 0.</summary>
    /// <param name="step">The step that is about to be made, from 0. The gradients are there, those of removed weights
    /// included.</param>
    /// <param name="masks">The weights with their masks and gradients.</param>
    public abstract void Update(int step, IReadOnlyList<MaskedParameter> masks);

    /// <summary>What it needs to go on, besides weights and masks.</summary>
    /// <returns>Arrays by name.</returns>
    public virtual IReadOnlyDictionary<string, float[]> Save() => new Dictionary<string, float[]>();

    /// <summary>Goes on from where <see cref="Save"/> was called.</summary>
    /// <param name="state">What it returned.</param>
    public virtual void Load(IReadOnlyDictionary<string, float[]> state)
    {
    }
}
