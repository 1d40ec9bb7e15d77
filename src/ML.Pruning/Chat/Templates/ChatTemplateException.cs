namespace ML.Pruning.Chat.Templates;

/// <summary>A chat template is malformed, uses something that is not supported, refuses the messages, or takes too much
/// work.</summary>
public sealed class ChatTemplateException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ChatTemplateException()
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    public ChatTemplateException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public ChatTemplateException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error at a line of the template.</summary>
    internal static ChatTemplateException At(int line, string message) =>
        new($"Chat template, line {line}: {message}");
}
