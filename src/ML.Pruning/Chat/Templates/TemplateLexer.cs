using System.Globalization;
using System.Text;

namespace ML.Pruning.Chat.Templates;

/// <summary>Cuts a template into tokens, with the white space rules that Hugging Face templates are written for: the
/// first line break after a statement goes, and so do blanks between the start of a line and a statement; a hyphen at a
/// tag takes all white space on its side, a plus sign keeps it.</summary>
internal sealed class TemplateLexer
{
    private static readonly string[] s_symbols =
        ["**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}",
            ".", ",", ":", "|"];

    private readonly string _source;
    private readonly List<TemplateToken> _tokens = [];
    private int _at;
    private int _line = 1;

    private TemplateLexer(string source) => _source = source;

    /// <summary>The tokens of a template; the last one is <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="ChatTemplateException">A tag or string does not end, or a character means nothing.</exception>
    public static IReadOnlyList<TemplateToken> Read(string source)
    {
        source = source.ReplaceLineEndings("\n");
        var lexer = new TemplateLexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.ReadAll();
        return lexer._tokens;
    }

    private void ReadAll()
    {
        bool trimAll = false, trimLine = false;
        while (true)
        {
            int tag = FindTag();
            string text = _source[_at..(tag < 0 ? _source.Length : tag)];
            int newLines = text.AsSpan().Count('\n');
            if (trimAll) text = text.TrimStart();
            else if (trimLine && text.StartsWith('\n')) text = text[1..];
            if (tag < 0)
            {
                Add(TokenKind.Text, text);
                Add(TokenKind.End, "");
                return;
            }

            char kind = _source[tag + 1], sign = tag + 2 < _source.Length ? _source[tag + 2] : ' ';
            if (sign == '-') text = text.TrimEnd();
            else if (kind != '{' && sign != '+') text = WithoutIndent(text, tag);
            if (text.Length > 0) Add(TokenKind.Text, text);
            _line += newLines;
            _at = tag + 2 + (sign is '-' or '+' ? 1 : 0);
            char closing = kind == '#' ? SkipComment() : ReadTag(kind);
            trimAll = closing == '-';
            trimLine = kind != '{' && closing != '+';
        }
    }

    // Blanks between the start of the tag's line and the tag.
    private string WithoutIndent(string text, int tag)
    {
        int lineStart = tag == 0 ? 0 : _source.LastIndexOf('\n', tag - 1) + 1;
        if (_source.AsSpan(lineStart, tag - lineStart).Trim(" \t").Length > 0) return text;
        return text.TrimEnd(' ', '\t');
    }

    private int FindTag()
    {
        for (int i = _at; i + 1 < _source.Length; i++)
            if (_source[i] == '{' && _source[i + 1] is ('{' or '%' or '#')) return i;
        return -1;
    }

    private char SkipComment()
    {
        int end = _source.IndexOf("#}", _at, StringComparison.Ordinal);
        if (end < 0) throw ChatTemplateException.At(_line, "a comment has no end '#}'.");
        char before = end > _at ? _source[end - 1] : ' ';
        _line += _source.AsSpan(_at, end - _at).Count('\n');
        _at = end + 2;
        return before is '-' or '+' ? before : ' ';
    }

    // The sign before the closing bracket: '-', '+' or ' '.
    private char ReadTag(char kind)
    {
        string close = kind == '{' ? "}}" : "%}";
        Add(kind == '{' ? TokenKind.OutputStart : TokenKind.StatementStart, "{" + kind);
        int open = 0;
        while (true)
        {
            SkipBlanks();
            if (_at >= _source.Length) throw ChatTemplateException.At(_line, $"a tag has no end '{close}'.");
            char sign = _source[_at] is '-' or '+' && Matches(close, _at + 1) ? _source[_at] : ' ';
            if (open == 0 && (sign != ' ' || Matches(close, _at)))
            {
                Add(kind == '{' ? TokenKind.OutputEnd : TokenKind.StatementEnd, close);
                _at += close.Length + (sign == ' ' ? 0 : 1);
                return sign;
            }

            TemplateToken token = ReadToken();
            if (token.Kind != TokenKind.Symbol) continue;
            if (token.Text is "{" or "[" or "(") open++;
            else if (token.Text is "}" or "]" or ")") open--;
        }
    }

    private bool Matches(string text, int at) => string.CompareOrdinal(_source, at, text, 0, text.Length) == 0;

    private void SkipBlanks()
    {
        for (; _at < _source.Length && char.IsWhiteSpace(_source[_at]); _at++) if (_source[_at] == '\n') _line++;
    }

    private TemplateToken ReadToken()
    {
        char c = _source[_at];
        if (c is '"' or '\'') return ReadString(c);
        int start = _at;
        if (char.IsAsciiDigit(c)) return ReadNumber(start);
        if (c == '_' || char.IsLetter(c))
        {
            while (_at < _source.Length && (_source[_at] == '_' || char.IsLetterOrDigit(_source[_at]))) _at++;
            return Add(TokenKind.Name, _source[start.._at]);
        }

        string symbol = s_symbols.FirstOrDefault(s => Matches(s, start))
            ?? throw ChatTemplateException.At(_line, $"the character '{c}' means nothing here.");
        _at += symbol.Length;
        return Add(TokenKind.Symbol, symbol);
    }

    private TemplateToken ReadNumber(int start)
    {
        while (_at < _source.Length && char.IsAsciiDigit(_source[_at])) _at++;
        bool whole = !(_at + 1 < _source.Length && _source[_at] == '.' && char.IsAsciiDigit(_source[_at + 1]));
        if (!whole) for (_at++; _at < _source.Length && char.IsAsciiDigit(_source[_at]);) _at++;
        return Add(whole ? TokenKind.Integer : TokenKind.Float, _source[start.._at]);
    }

    private TemplateToken ReadString(char quote)
    {
        int line = _line;
        var text = new StringBuilder();
        for (_at++; _at < _source.Length && _source[_at] != quote; _at++)
        {
            char c = _source[_at];
            if (c == '\n') _line++;
            if (c != '\\' || _at + 1 >= _source.Length)
            {
                text.Append(c);
                continue;
            }

            char escaped = _source[++_at];
            _ = escaped switch
            {
                'n' => text.Append('\n'),
                't' => text.Append('\t'),
                'r' => text.Append('\r'),
                '\\' or '"' or '\'' => text.Append(escaped),
                'u' or 'x' => text.Append(ReadCode(escaped == 'u' ? 4 : 2)),
                _ => text.Append('\\').Append(escaped),
            };
        }

        if (_at >= _source.Length) throw ChatTemplateException.At(line, "a string has no end.");
        _at++;
        return Add(TokenKind.String, text.ToString());
    }

    private char ReadCode(int digits)
    {
        if (_at + digits >= _source.Length || !ushort.TryParse(_source.AsSpan(_at + 1, digits),
            NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
        {
            throw ChatTemplateException.At(_line, $"an escape in a string needs {digits} hexadecimal digits.");
        }

        _at += digits;
        return (char)code;
    }

    private TemplateToken Add(TokenKind kind, string text)
    {
        var token = new TemplateToken(kind, text, _line);
        _tokens.Add(token);
        return token;
    }
}
