namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Joins continuations to the word before them and puts a space before every other token; with clean-up,
/// spaces before punctuation and English contractions go.</summary>
/// <param name="prefix">What continuations start with.</param>
/// <param name="cleanUp">Whether to clean up.</param>
internal sealed class WordPieceDecoder(string prefix, bool cleanUp) : TokenDecoder
{
    private static readonly (string From, string To)[] s_cleaned =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    /// <inheritdoc/>
    public override List<string> Decode(List<string> tokens)
    {
        var result = new List<string>(tokens.Count);
        for (int i = 0; i < tokens.Count; i++)
        {
            string text = i == 0 ? tokens[i]
                : tokens[i].StartsWith(prefix, StringComparison.Ordinal) ? tokens[i][prefix.Length..]
                : " " + tokens[i];
            if (cleanUp)
            {
                foreach ((string from, string to) in s_cleaned)
                    text = text.Replace(from, to, StringComparison.Ordinal);
            }
            result.Add(text);
        }
        return result;
    }
}
