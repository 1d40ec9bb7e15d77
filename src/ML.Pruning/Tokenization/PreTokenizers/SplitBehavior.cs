namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>What becomes of the delimiters that a piece is cut at.</summary>
internal enum SplitBehavior
{
    /// <summary>They are dropped.</summary>
    Removed,

    /// <summary>Each is a piece.</summary>
    Isolated,

    /// <summary>Each ends the piece before it.</summary>
    MergedWithPrevious,

    /// <summary>Each begins the piece after it.</summary>
    MergedWithNext,

    /// <summary>Each unbroken run of them is a piece.</summary>
    Contiguous,
}
