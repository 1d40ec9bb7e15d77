namespace ML.Pruning.Tokenization;

/// <summary>WordPiece: a word becomes the longest token that it starts with, and then, again and again, the longest
/// continuation; a word with a part that is no token becomes the unknown token.</summary>
/// <remarks>
/// <para>Wu et al. 2016, arXiv:1609.08144; the greedy encoding is that of BERT (Devlin et al. 2018, arXiv:1810.04805).
/// O(n L) for a word of n characters and a longest token of L.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
internal sealed class WordPieceModel : TokenModel
{
    private readonly Dictionary<string, int> _vocabulary;
    private readonly Dictionary<string, int> _first = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _continuing = new(StringComparer.Ordinal);
    private readonly int _unknownId;
    private readonly int _maximumCharacters;
    private readonly int _longest;

    /// <summary>Makes the model.</summary>
    /// <param name="vocabulary">Token to id, compared ordinally.</param>
    /// <param name="unknownToken">The unknown token, which is in the vocabulary.</param>
    /// <param name="continuingPrefix">What tokens start with that stand inside a word.</param>
    /// <param name="maximumCharacters">Characters of a word at most; longer ones are unknown.</param>
    public WordPieceModel(
        Dictionary<string, int> vocabulary, string unknownToken, string continuingPrefix, int maximumCharacters)
    {
        _vocabulary = vocabulary;
        _unknownId = vocabulary[unknownToken];
        _maximumCharacters = maximumCharacters;
        foreach ((string token, int id) in vocabulary)
        {
            _first[token] = id;
            if (token.StartsWith(continuingPrefix, StringComparison.Ordinal))
                _continuing[token[continuingPrefix.Length..]] = id;
            _longest = Math.Max(_longest, token.Length);
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, int> Vocabulary => _vocabulary;

    /// <inheritdoc/>
    public override void Encode(string text, List<TokenSpan> output)
    {
        if (text.Length == 0)
            return;
        int before = output.Count;
        bool isKnown = text.EnumerateRunes().Count() <= _maximumCharacters;
        for (int at = 0; isKnown && at < text.Length;)
        {
            isKnown = TryLongest(text, at, out TokenSpan token);
            output.Add(token);
            at = token.End;
        }
        if (isKnown)
            return;
        output.RemoveRange(before, output.Count - before);
        output.Add(new TokenSpan(_unknownId, 0, text.Length));
    }

    private bool TryLongest(string text, int start, out TokenSpan token)
    {
        var tokens = (start == 0 ? _first : _continuing).GetAlternateLookup<ReadOnlySpan<char>>();
        for (int end = Math.Min(text.Length, start + _longest); end > start; end--)
        {
            bool splitsCharacter = end < text.Length && char.IsLowSurrogate(text[end]);
            if (splitsCharacter || !tokens.TryGetValue(text.AsSpan(start, end - start), out int id))
                continue;
            token = new TokenSpan(id, start, end);
            return true;
        }
        token = default;
        return false;
    }
}
