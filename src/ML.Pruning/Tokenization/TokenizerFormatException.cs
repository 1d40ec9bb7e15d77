namespace ML.Pruning.Tokenization;

/// <summary>A tokenizer file is malformed, or asks for something this library does not do.</summary>
/// <remarks>The message is one line: the file, the part of it, the value found, and what is supported.</remarks>
public sealed class TokenizerFormatException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">One line: file, part, value, and what is supported.</param>
    public TokenizerFormatException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">One line: file, part, value, and what is supported.</param>
    /// <param name="innerException">What the parser said.</param>
    public TokenizerFormatException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
