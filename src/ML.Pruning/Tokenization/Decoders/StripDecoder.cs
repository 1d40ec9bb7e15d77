namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Removes up to a number of one character at the ends of each token.</summary>
internal sealed class StripDecoder(char content, int start, int stop) : TokenDecoder
{
    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens) => tokens.ConvertAll(Strip);

    private string Strip(string token)
    {
        int first = 0;
        while (first < start && first < token.Length && token[first] == content)
            first++;
        int end = token.Length;
        while (token.Length - end < stop && end > first && token[end - 1] == content)
            end--;
        return token[first..end];
    }
}
