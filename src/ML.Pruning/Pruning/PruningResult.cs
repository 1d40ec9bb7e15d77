using ML.Pruning.Models;

namespace ML.Pruning.Pruning;

/// <summary>The outcome of <see cref="Pruner.Prune"/>.</summary>
/// <param name="Model">The pruned model; the caller disposes it.</param>
/// <param name="Plan">What was decided beforehand.</param>
/// <param name="Report">What happened.</param>
public sealed record PruningResult(LanguageModel Model, PruningPlan Plan, PruningReport Report);
