using System.Text;

namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Turns tokens written in <see cref="ByteLevelAlphabet"/> into the text of their bytes.</summary>
/// <remarks>Bytes that are not UTF-8 give U+FFFD.</remarks>
internal sealed class ByteLevelDecoder : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        var bytes = new List<byte>();
        foreach (string token in tokens)
            ByteLevelAlphabet.Decode(token, bytes);
        return [Encoding.UTF8.GetString([.. bytes])];
    }
}
