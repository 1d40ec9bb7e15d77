namespace ML.Pruning.Tokenization.Decoders;

/// <summary>One step from token texts to the text they stand for.</summary>
internal abstract class TokenDecoder
{
    /// <summary>Rewrites the list of token texts; the last step's list is joined.</summary>
    public abstract List<string> Decode(List<string> tokens);
}
