namespace ML.Pruning.Chat.Templates;

/// <summary>The value of a variable, key or attribute that is not there.</summary>
/// <param name="Name">What is not there.</param>
internal sealed record Undefined(string Name);
