using ML.Pruning.Tokenization.PreTokenizers;

namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Writes markers as spaces; those of the first token vanish if the pre-tokenizer puts one there.</summary>
internal sealed class MetaspaceDecoder(char marker, PrependScheme scheme) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        var output = tokens.ConvertAll(token => token.Replace(marker, ' '));
        if (output.Count > 0 && scheme != PrependScheme.Never)
            output[0] = tokens[0].Replace(marker.ToString(), "", StringComparison.Ordinal);
        return output;
    }
}
