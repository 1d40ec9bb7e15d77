using ML.Pruning.Models;

namespace ML.Pruning.Pruning;

/// <summary>The outcome of <see cref="Pruner.Prune"/>.</summary>
/// <param name="Model">The pruned model; the caller disposes it.</param>
/// <param name="Plan">What was decided beforehand.</param>
/// <param name="Report">What happened.</param>
public sealed record PruningResult(LanguageModel Model, PruningPlan Plan, PruningReport Report)
{
    internal ResumeState? State { get; init; }

    /// <summary>Removes <see cref="PruningContext.ResumeFolder"/>, if the run had one; call it when the model is saved,
    /// or needs no saving. The model stays usable.</summary>
    /// <exception cref="IOException">The folder cannot be removed.</exception>
    public void DiscardResumeState() => State?.Remove();
}
