namespace ML.Pruning.Checkpoints;

/// <summary>A checkpoint file breaks the rules of its format.</summary>
/// <remarks>The message is one line for the user: file, tensor, value found, legal range.</remarks>
public sealed class CheckpointFormatException : Exception
{
    /// <summary>Makes the exception without a message of its own.</summary>
    public CheckpointFormatException()
        : base("The checkpoint is malformed.")
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, where, and what would be right; one line.</param>
    public CheckpointFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, where, and what would be right; one line.</param>
    /// <param name="innerException">The cause.</param>
    public CheckpointFormatException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
