namespace ML.Pruning.Recovery;

/// <summary>What a training run came to.</summary>
/// <param name="Report">How it went.</param>
/// <param name="Values">The trained parameters that are kept, row-major, in the order in which they were given.</param>
internal sealed record TrainingOutcome(TrainingReport Report, IReadOnlyList<float[]> Values);
