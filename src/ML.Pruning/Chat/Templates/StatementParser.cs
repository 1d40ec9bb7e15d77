namespace ML.Pruning.Chat.Templates;

/// <summary>Reads a template: text, output and statements.</summary>
/// <remarks>Supported are for, if, elif, else, set, break, continue, and generation, which changes nothing.</remarks>
internal sealed class StatementParser
{
    private const int MaximumDepth = 50;

    private readonly TokenReader _reader;
    private readonly ExpressionParser _expressions;
    private int _depth;
    private int _loops;

    private StatementParser(IReadOnlyList<TemplateToken> tokens)
    {
        _reader = new TokenReader(tokens);
        _expressions = new ExpressionParser(_reader);
    }

    /// <summary>Reads a whole template.</summary>
    /// <exception cref="ChatTemplateException">It is malformed, or has a statement that is not supported.</exception>
    public static IReadOnlyList<Statement> Parse(string source)
    {
        var parser = new StatementParser(TemplateLexer.Read(source));
        List<Statement> body = parser.ParseBody();
        return parser._reader.Next.Kind == TokenKind.End
            ? body
            : throw parser._reader.Unexpected("the end of the template");
    }

    // Up to a statement that ends or splits a block, whose name is next then.
    private List<Statement> ParseBody(params string[] ends)
    {
        if (++_depth > MaximumDepth)
            throw ChatTemplateException.At(_reader.Next.Line, $"statements are nested deeper than {MaximumDepth}.");
        List<Statement> body = [];
        while (_reader.Next.Kind != TokenKind.End)
        {
            TemplateToken token = _reader.Take();
            if (token.Kind == TokenKind.Text)
            {
                body.Add(new TextOutput(token.Text));
            }
            else if (token.Kind == TokenKind.OutputStart)
            {
                body.Add(new ValueOutput(_expressions.ParseTuple()));
                _reader.Expect(TokenKind.OutputEnd, "'}}'");
            }
            else if (ends.Contains(_reader.Next.Text))
            {
                break;
            }
            else
            {
                body.AddRange(ParseStatement());
            }
        }

        _depth--;
        return body;
    }

    private IEnumerable<Statement> ParseStatement()
    {
        TemplateToken name = _reader.Expect(TokenKind.Name, "the name of a statement");
        switch (name.Text)
        {
            case "if":
                return [ParseIf()];
            case "for":
                return [ParseFor(name.Line)];
            case "set":
                return [ParseSet(name.Line)];
            case "break" or "continue" when _loops > 0:
                EndTag();
                return [new Jump(name.Text == "break" ? Flow.Break : Flow.Continue)];
            case "generation":
                EndTag();
                return ParseBlock("endgeneration");
            default:
                throw ChatTemplateException.At(name.Line, $"the statement '{name.Text}' is not supported here; "
                    + "supported are for, if, elif, else, set, break and continue (in a loop), and generation.");
        }
    }

    private IfStatement ParseIf()
    {
        List<(Expression?, IReadOnlyList<Statement>)> branches = [];
        Expression? condition = _expressions.ParseTuple();
        while (true)
        {
            EndTag();
            branches.Add((condition, ParseBody("elif", "else", "endif")));
            if (condition is not null && _reader.TryName("elif"))
            {
                condition = _expressions.ParseTuple();
                continue;
            }

            if (condition is null || !_reader.TryName("else")) break;
            condition = null;
        }

        EndBlock("endif");
        return new IfStatement(branches);
    }

    private ForStatement ParseFor(int line)
    {
        IReadOnlyList<string> names = ParseNames();
        if (!_reader.TryName("in")) throw _reader.Unexpected("'in'");
        Expression items = _expressions.Parse(allowCondition: false);
        Expression? condition = _reader.TryName("if") ? _expressions.Parse() : null;
        if (_reader.Next.IsName("recursive"))
            throw ChatTemplateException.At(line, "a 'recursive' loop is not supported.");
        EndTag();
        _loops++;
        List<Statement> body = ParseBody("else", "endfor");
        _loops--;
        List<Statement> otherwise = [];
        if (_reader.TryName("else"))
        {
            EndTag();
            otherwise = ParseBody("endfor");
        }

        EndBlock("endfor");
        return new ForStatement(names, items, condition, body, otherwise, line);
    }

    private SetStatement ParseSet(int line)
    {
        IReadOnlyList<string> names = ParseNames();
        string? attribute = names.Count == 1 && _reader.TrySymbol(".")
            ? _reader.Expect(TokenKind.Name, "the name of an attribute").Text
            : null;
        if (!_reader.TrySymbol("="))
        {
            EndTag();
            return new SetStatement(names, attribute, null, ParseBlock("endset"), line);
        }

        Expression value = _expressions.ParseTuple();
        EndTag();
        return new SetStatement(names, attribute, value, [], line);
    }

    private List<string> ParseNames()
    {
        bool bracket = _reader.TrySymbol("(");
        List<string> names = [];
        do names.Add(_reader.Expect(TokenKind.Name, "a name").Text);
        while (_reader.TrySymbol(","));
        if (bracket) _reader.Expect(")");
        return names;
    }

    private List<Statement> ParseBlock(string end)
    {
        List<Statement> body = ParseBody(end);
        EndBlock(end);
        return body;
    }

    private void EndBlock(string end)
    {
        if (!_reader.TryName(end)) throw _reader.Unexpected($"'{end}'");
        EndTag();
    }

    private void EndTag() => _reader.Expect(TokenKind.StatementEnd, "'%}'");
}
