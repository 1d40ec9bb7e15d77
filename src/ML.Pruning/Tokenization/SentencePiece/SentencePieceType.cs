namespace ML.Pruning.Tokenization.SentencePiece;

/// <summary>The kinds of pieces, with the numbers of sentencepiece_model.proto.</summary>
internal enum SentencePieceType
{
    /// <summary>Made by merges.</summary>
    Normal = 1,

    /// <summary>The unknown token.</summary>
    Unknown = 2,

    /// <summary>A control token such as BOS.</summary>
    Control = 3,

    /// <summary>A whole token given by the user.</summary>
    UserDefined = 4,

    /// <summary>Not used.</summary>
    Unused = 5,

    /// <summary>One byte.</summary>
    Byte = 6,
}
