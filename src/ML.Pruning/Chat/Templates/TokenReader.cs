namespace ML.Pruning.Chat.Templates;

/// <summary>Reads tokens one by one.</summary>
/// <param name="tokens">The tokens; the last is <see cref="TokenKind.End"/>.</param>
internal sealed class TokenReader(IReadOnlyList<TemplateToken> tokens)
{
    private int _at;

    /// <summary>The token that is next.</summary>
    public TemplateToken Next => tokens[_at];

    /// <summary>Takes the next token.</summary>
    public TemplateToken Take() => Next.Kind == TokenKind.End ? Next : tokens[_at++];

    /// <summary>The token after the next one.</summary>
    public TemplateToken Peek() => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Takes the next token if it is this symbol.</summary>
    public bool TrySymbol(string symbol) => Try(Next.IsSymbol(symbol));

    /// <summary>Takes the next token if it is this name.</summary>
    public bool TryName(string name) => Try(Next.IsName(name));

    /// <summary>Takes this symbol.</summary>
    /// <exception cref="ChatTemplateException">Something else is next.</exception>
    public void Expect(string symbol)
    {
        if (!TrySymbol(symbol)) throw Unexpected($"'{symbol}'");
    }

    /// <summary>Takes a token of this kind.</summary>
    /// <exception cref="ChatTemplateException">Something else is next.</exception>
    public TemplateToken Expect(TokenKind kind, string what) => Next.Kind == kind ? Take() : throw Unexpected(what);

    /// <summary>The error that something else is next.</summary>
    public ChatTemplateException Unexpected(string expected) =>
        ChatTemplateException.At(Next.Line, $"{expected} is expected, but there is {Next}.");

    private bool Try(bool matches)
    {
        if (matches) Take();
        return matches;
    }
}
