namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Joins all tokens to one, so that later steps see the whole text.</summary>
internal sealed class FuseDecoder : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens) => [string.Concat(tokens)];
}
