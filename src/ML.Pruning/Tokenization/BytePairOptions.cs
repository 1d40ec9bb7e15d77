namespace ML.Pruning.Tokenization;

/// <summary>The switches of a byte-pair model, as tokenizer.json has them under <c>model</c>.</summary>
internal sealed record BytePairOptions
{
    /// <summary>The token for characters that nothing else covers, or null to drop them.</summary>
    public string? UnknownToken { get; init; }

    /// <summary>Joins neighbouring unknown characters to one unknown token.</summary>
    public bool FuseUnknown { get; init; }

    /// <summary>Writes an unknown character as the tokens &lt;0x00&gt; to &lt;0xFF&gt; of its UTF-8 bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>Takes a piece that is a token as that token, whatever the merges say.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Stands before each character of a piece but the first; empty for none.</summary>
    public string ContinuingPrefix { get; init; } = "";

    /// <summary>Stands after the last character of a piece; empty for none.</summary>
    public string EndOfWordSuffix { get; init; } = "";
}
