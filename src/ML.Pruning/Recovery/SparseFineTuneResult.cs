using ML.Pruning.Models;

namespace ML.Pruning.Recovery;

/// <summary>A sparse model after training, and how that went.</summary>
/// <param name="Model">The model; the caller disposes it.</param>
/// <param name="Report">How the training went.</param>
public sealed record SparseFineTuneResult(LanguageModel Model, SparseFineTuneReport Report);
