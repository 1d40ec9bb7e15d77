namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Applies decoders one after another.</summary>
internal sealed class SequenceDecoder(IReadOnlyList<TokenDecoder> decoders) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        foreach (TokenDecoder decoder in decoders)
            tokens = decoder.Decode(tokens);
        return tokens;
    }
}
