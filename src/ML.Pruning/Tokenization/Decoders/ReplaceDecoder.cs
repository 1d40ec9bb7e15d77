namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Replaces every match of a pattern in each token by a literal text.</summary>
internal sealed class ReplaceDecoder(TextPattern pattern, string content) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
        => tokens.ConvertAll(token => pattern.Replace(token, content));
}
