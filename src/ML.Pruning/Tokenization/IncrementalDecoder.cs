namespace ML.Pruning.Tokenization;

/// <summary>Turns ids into text one by one, holding text back until its characters are complete.</summary>
/// <remarks>
/// <para>What <see cref="Add"/> and <see cref="Flush"/> return, joined, is what
/// <see cref="HuggingFaceTokenizer.DecodeTokens"/> returns for the same ids, if their bytes are valid UTF-8.</para>
/// <para>To continue a prompt, add the prompt's ids first: the space that begins a text is left out, and only the
/// decoder knows whether an id begins it. Not thread-safe.</para>
/// </remarks>
public sealed class IncrementalDecoder
{
    private readonly HuggingFaceTokenizer _tokenizer;
    private readonly bool _skipSpecialTokens;

    // The ids since the last one whose text was given out, and before them those that were given out with it: a
    // decoder may treat the first token apart, so new text is what the window adds to its own already known part.
    private readonly List<int> _window = [];
    private int _known;
    private string _knownText = "";

    internal IncrementalDecoder(HuggingFaceTokenizer tokenizer, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Adds one id.</summary>
    /// <param name="id">The id, 0 or more; one without a token adds nothing.</param>
    /// <returns>The text that is complete by now and was not returned before; often empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is negative.</exception>
    public string Add(int id)
    {
        _tokenizer.ThrowIfNegative(id);
        if (!_tokenizer.HasText(id, _skipSpecialTokens))
            return "";
        _window.Add(id);
        string text = _tokenizer.DecodeTokens(_window, _skipSpecialTokens);
        if (text.Length <= _knownText.Length || text[^1] == '\uFFFD')
            return "";
        return Advance(text);
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back, with U+FFFD for bytes that no character came of.</returns>
    public string Flush()
    {
        string text = _tokenizer.DecodeTokens(_window, _skipSpecialTokens);
        string rest = text.Length > _knownText.Length ? text[_knownText.Length..] : "";
        _window.Clear();
        _known = 0;
        _knownText = "";
        return rest;
    }

    private string Advance(string text)
    {
        string added = text[_knownText.Length..];
        _window.RemoveRange(0, _known);
        _known = _window.Count;
        _knownText = _tokenizer.DecodeTokens(_window, _skipSpecialTokens);
        return added;
    }
}
