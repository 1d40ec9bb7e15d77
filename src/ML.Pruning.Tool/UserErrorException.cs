namespace ML.Pruning.Tool;

/// <summary>An option, or a combination of options, that cannot be used; the message is one line for the
/// user.</summary>
internal sealed class UserErrorException(string message) : Exception(message);
