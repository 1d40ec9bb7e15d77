using System.Text.Json.Nodes;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>How masks change while a model is trained, so that weights may leave and come back
/// (<see cref="SparseFineTuneOptions.Dynamics"/>).</summary>
/// <remarks>Implementations are immutable and thread-safe.</remarks>
public abstract record SparsityDynamics
{
    private protected SparsityDynamics()
    {
    }

    /// <summary>Name, such as <c>rigl</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it chooses masks by the sparsities that the pruning method plans; otherwise it moves zeros that
    /// are there, and their number stays.</summary>
    internal virtual bool FollowsPlan => true;

    /// <summary>Whether it cannot prune at once, so that the schedule must be one that rises.</summary>
    internal virtual bool NeedsRamp => false;

    /// <summary>Whether it makes its own schedule.</summary>
    internal virtual bool HasOwnSchedule => !FollowsPlan;

    /// <summary>The options, for provenance.</summary>
    internal abstract JsonObject ToJson();

    /// <summary>Checks the options.</summary>
    /// <param name="training">How the weights are trained, resolved.</param>
    /// <exception cref="ArgumentException">One is out of range or does not fit the training.</exception>
    internal abstract void Validate(TrainingOptions training);

    /// <summary>Prepares a run.</summary>
    /// <param name="context">What is trained.</param>
    /// <returns>The parameters to train, the hook that changes masks, and the learning rate.</returns>
    internal abstract TrainingSetup SetUp(DynamicsContext context);

    /// <summary>Refuses an option that is out of range.</summary>
    private protected void Require(bool isLegal, string what, double value, string legal)
    {
        if (!isLegal) throw new ArgumentException($"The {what} of {Name} is {value}; it must be {legal}.");
    }
}
