namespace ML.Pruning.Inference;

/// <summary>Why generation ended.</summary>
public enum StopReason
{
    /// <summary>The model produced a stop token.</summary>
    EndOfText,

    /// <summary>The wanted number of tokens is reached.</summary>
    MaxTokens,

    /// <summary>The model's context is full.</summary>
    ContextFull,

    /// <summary>The text contained a stop sequence.</summary>
    StopSequence,
}
