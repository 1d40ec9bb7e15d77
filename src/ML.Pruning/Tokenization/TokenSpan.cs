namespace ML.Pruning.Tokenization;

/// <summary>A token and the characters [start, end) it stands for.</summary>
internal readonly record struct TokenSpan(int Id, int Start, int End);
