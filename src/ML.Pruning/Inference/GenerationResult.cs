namespace ML.Pruning.Inference;

/// <summary>A generated text.</summary>
/// <param name="Text">The prompt and its continuation, without special tokens, up to a stop sequence.</param>
/// <param name="NewTokens">The tokens generated; a stop token is not among them, those of a stop sequence are.</param>
/// <param name="StopReason">Why generation ended.</param>
public sealed record GenerationResult(string Text, IReadOnlyList<int> NewTokens, StopReason StopReason);
