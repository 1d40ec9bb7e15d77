using System.Text;
using ML.Pruning.Tokenization.PreTokenizers;

namespace ML.Pruning.Tokenization;

/// <summary>Runs a text through the components and collects its tokens.</summary>
internal sealed class TokenCollector(TokenizerParts parts, bool normalize, bool cut)
{
    private readonly List<TokenSpan> _pieceTokens = [];
    private readonly StringBuilder _normalized = new();

    /// <summary>The tokens so far; offsets are in <see cref="NormalizedText"/>.</summary>
    public List<TokenSpan> Tokens { get; } = [];

    /// <summary>The text the offsets refer to.</summary>
    public string NormalizedText => _normalized.ToString();

    /// <summary>Adds a text in which no added token is sought.</summary>
    public void AddPlain(string text)
    {
        string normalized = Normalize(text);
        AddSection(normalized, isTextStart: true);
    }

    /// <summary>Adds a text in which added tokens stand for themselves.</summary>
    /// <param name="text">The text.</param>
    /// <param name="rawMatcher">Finds the tokens that are sought before normalization.</param>
    /// <param name="normalizedMatcher">Finds the tokens that are sought after it.</param>
    public void AddPrompt(string text, AddedTokenMatcher rawMatcher, AddedTokenMatcher normalizedMatcher)
    {
        int taken = 0;
        foreach (AddedTokenMatcher.Match match in rawMatcher.Find(text))
        {
            AddBetween(text, taken, match.Start, normalizedMatcher);
            AddToken(text, match);
            taken = match.End;
        }
        AddBetween(text, taken, text.Length, normalizedMatcher);
    }

    private void AddBetween(string text, int start, int end, AddedTokenMatcher matcher)
    {
        if (start == end)
            return;
        string normalized = Normalize(text[start..end]);
        int taken = 0;
        foreach (AddedTokenMatcher.Match match in matcher.Find(normalized))
        {
            AddSection(normalized[taken..match.Start], start == 0 && taken == 0);
            AddToken(normalized, match);
            taken = match.End;
        }
        AddSection(normalized[taken..], start == 0 && taken == 0);
    }

    private string Normalize(string text) => normalize && parts.Normalizer is { } normalizer
        ? normalizer.Normalize(text)
        : text;

    private void AddToken(string text, AddedTokenMatcher.Match match)
    {
        int start = _normalized.Length;
        _normalized.Append(text, match.Start, match.End - match.Start);
        Tokens.Add(new TokenSpan(match.Token.Id, start, _normalized.Length));
    }

    private void AddSection(string section, bool isTextStart)
    {
        if (section.Length == 0)
            return;
        int origin = _normalized.Length;
        _normalized.Append(section);
        List<Piece> pieces = [new Piece(section, null, 0)];
        if (parts.PreTokenizer is { } splitter)
            pieces = splitter.SplitAll(pieces, new SplitContext(isTextStart, cut));
        foreach (Piece piece in pieces)
        {
            _pieceTokens.Clear();
            parts.Model.Encode(piece.Text, _pieceTokens);
            foreach (TokenSpan token in _pieceTokens)
            {
                int start = origin + piece.Position(token.Start);
                Tokens.Add(new TokenSpan(token.Id, start, origin + EndPosition(piece, token.End)));
            }
        }
    }

    /// <summary>Where a token that ends before character <paramref name="end"/> ends in the section.</summary>
    /// <remarks>A token that ends inside a character (of several bytes) covers the whole of it.</remarks>
    private static int EndPosition(Piece piece, int end)
    {
        int position = piece.Position(end);
        if (end == 0 || end == piece.Text.Length || piece.Position(end - 1) != position)
            return position;
        int next = end;
        while (next < piece.Text.Length && piece.Position(next) == position)
            next++;
        return piece.Position(next);
    }
}
