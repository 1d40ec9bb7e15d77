namespace ML.Pruning.Pruning;

/// <summary>A model that cannot be pruned as asked, although every option is legal. The message is one line for the
/// user: what, where, the value, and what to do.</summary>
public sealed class PruningException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line for the user.</param>
    public PruningException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">One line for the user.</param>
    /// <param name="innerException">The cause.</param>
    public PruningException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
