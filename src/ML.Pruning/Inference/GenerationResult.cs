namespace ML.Pruning.Inference;

/// <summary>A generated text.</summary>
/// <param name="Text">The prompt and its continuation, without special tokens.</param>
/// <param name="NewTokens">The tokens generated; the stop token is not among them.</param>
/// <param name="StopReason">Why generation ended.</param>
public sealed record GenerationResult(string Text, IReadOnlyList<int> NewTokens, StopReason StopReason);
