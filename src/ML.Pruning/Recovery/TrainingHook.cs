namespace ML.Pruning.Recovery;

/// <summary>Takes part in a training run: keeps masks, changes them by a schedule, seeds randomness.</summary>
/// <remarks>All calls come from the thread that trains, in the order of the members.</remarks>
internal abstract class TrainingHook : IDisposable
{
    /// <summary>Fraction of zeros among the weights that the hook keeps sparse, in [0, 1]; null = it keeps
    /// none.</summary>
    public virtual double? Sparsity => null;

    /// <summary>Whether the weights may be the result as they are now; not so while a schedule is under way. Asked
    /// before the first step and at each measurement.</summary>
    public virtual bool IsComplete => true;

    /// <summary>Whether the weights stay where they are in this step. Asked once its gradients are there.</summary>
    public virtual bool SkipsStep => false;

    /// <summary>Whether the training starts anew from the weights as they are after this step, so that earlier losses
    /// and weights are no measure any more.</summary>
    public virtual bool StartsAnew => false;

    /// <summary>Before the forward pass of a step.</summary>
    /// <param name="step">Step, from 0.</param>
    public virtual void StepStarting(int step)
    {
    }

    /// <summary>The gradients of a step are there, not yet clipped.</summary>
    /// <param name="step">Step, from 0.</param>
    public virtual void GradientsReady(int step)
    {
    }

    /// <summary>The weights have moved, or would have if the step had not failed or been skipped.</summary>
    /// <param name="step">Step, from 0.</param>
    /// <param name="parameters">The weights and their moments.</param>
    public virtual void WeightsMoved(int step, TrainedParameters parameters)
    {
    }

    /// <summary>What the hook needs to go on, besides the weights; for checkpoints.</summary>
    /// <returns>Arrays by name; names are the hook's own.</returns>
    public virtual IReadOnlyDictionary<string, float[]> Save() => new Dictionary<string, float[]>();

    /// <summary>Goes on from where <see cref="Save"/> was called; the weights are restored already.</summary>
    /// <param name="state">What it returned.</param>
    public virtual void Load(IReadOnlyDictionary<string, float[]> state)
    {
    }

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
