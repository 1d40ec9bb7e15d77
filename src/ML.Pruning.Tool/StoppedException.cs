namespace ML.Pruning.Tool;

/// <summary>A command was stopped and left something to go on from.</summary>
/// <param name="message">One line for the user.</param>
/// <param name="cause">What stopped it.</param>
internal sealed class StoppedException(string message, OperationCanceledException cause)
    : OperationCanceledException(message, cause, cause.CancellationToken);
