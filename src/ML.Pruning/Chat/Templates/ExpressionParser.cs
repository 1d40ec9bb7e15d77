using System.Globalization;

namespace ML.Pruning.Chat.Templates;

/// <summary>Reads expressions, with Jinja's precedence.</summary>
/// <param name="reader">The tokens.</param>
internal sealed class ExpressionParser(TokenReader reader)
{
    private const int MaximumDepth = 100;

    private static readonly string[] s_comparisons = ["==", "!=", "<", ">", "<=", ">="];
    private int _depth;

    /// <summary>Reads an expression; with commas, a tuple.</summary>
    public Expression ParseTuple(Func<bool>? ends = null)
    {
        Expression first = Parse();
        if (!reader.Next.IsSymbol(",")) return first;
        List<Expression> items = [first];
        while (reader.TrySymbol(",") && ends?.Invoke() != true) items.Add(Parse());
        return new ListOf(items, first.Line);
    }

    /// <summary>Reads an expression.</summary>
    /// <param name="allowCondition">Whether <c>a if b else c</c> may follow.</param>
    /// <exception cref="ChatTemplateException">There is none, or it is nested too deeply.</exception>
    public Expression Parse(bool allowCondition = true)
    {
        if (++_depth > MaximumDepth)
            throw ChatTemplateException.At(reader.Next.Line, $"expressions are nested deeper than {MaximumDepth}.");
        Expression value = ParseOr();
        while (allowCondition && reader.TryName("if"))
        {
            Expression condition = ParseOr();
            value = new Conditional(condition, value, reader.TryName("else") ? Parse() : null, value.Line);
        }

        _depth--;
        return value;
    }

    private Expression ParseOr() => ParseLeft(ParseAnd, token => token.IsName("or"));

    private Expression ParseAnd() => ParseLeft(ParseNot, token => token.IsName("and"));

    private Expression ParseNot()
    {
        int nots = 0, line = reader.Next.Line;
        while (reader.TryName("not")) nots++;
        Expression value = ParseComparison();
        for (; nots > 0; nots--) value = new Unary("not", value, line);
        return value;
    }

    // A chain such as a < b < c means a < b and b < c.
    private Expression ParseComparison()
    {
        Expression left = ParseSum();
        Expression? all = null;
        while (Comparison() is { } symbol)
        {
            Expression right = ParseSum();
            var one = new Binary(symbol, left, right, left.Line);
            all = all is null ? one : new Binary("and", all, one, left.Line);
            left = right;
        }

        return all ?? left;
    }

    private string? Comparison()
    {
        if (reader.Next.Kind == TokenKind.Symbol && s_comparisons.Contains(reader.Next.Text)) return reader.Take().Text;
        if (reader.TryName("in")) return "in";
        if (!reader.Next.IsName("not") || !reader.Peek().IsName("in")) return null;
        reader.Take();
        reader.Take();
        return "not in";
    }

    private Expression ParseSum() => ParseLeft(ParseConcatenation, token => token.IsSymbol("+") || token.IsSymbol("-"));

    private Expression ParseConcatenation() => ParseLeft(ParseProduct, token => token.IsSymbol("~"));

    private Expression ParseProduct() => ParseLeft(
        () => ParseSigned(), token => token.Kind == TokenKind.Symbol && token.Text is "*" or "/" or "//" or "%");

    private Expression ParseLeft(Func<Expression> operand, Func<TemplateToken, bool> isOperator)
    {
        Expression left = operand();
        while (isOperator(reader.Next)) left = new Binary(reader.Take().Text, left, operand(), left.Line);
        return left;
    }

    private Expression ParseSigned(bool withFilters = true)
    {
        TemplateToken sign = reader.Next;
        if (reader.TrySymbol("-") || reader.TrySymbol("+"))
        {
            if (++_depth > MaximumDepth) throw ChatTemplateException.At(sign.Line, "too many signs.");
            Expression signed = new Unary(sign.Text, ParseSigned(withFilters: false), sign.Line);
            _depth--;
            return withFilters ? ParseFilters(signed) : signed;
        }

        Expression value = ParseMembers(ParsePrimary());
        if (reader.Next.IsSymbol("**"))
            throw ChatTemplateException.At(sign.Line, "the operator '**' is not supported.");
        return withFilters ? ParseFilters(value) : value;
    }

    private Expression ParsePrimary()
    {
        TemplateToken token = reader.Take();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return token.Text switch
                {
                    "true" or "True" => new Literal(true, token.Line),
                    "false" or "False" => new Literal(false, token.Line),
                    "none" or "None" => new Literal(null, token.Line),
                    _ => new Variable(token.Text, token.Line),
                };
            case TokenKind.String:
                string text = token.Text;
                while (reader.Next.Kind == TokenKind.String) text += reader.Take().Text;
                return new Literal(text, token.Line);
            case TokenKind.Integer when long.TryParse(token.Text, CultureInfo.InvariantCulture, out long whole):
                return new Literal(whole, token.Line);
            case TokenKind.Float:
                return new Literal(double.Parse(token.Text, CultureInfo.InvariantCulture), token.Line);
            case TokenKind.Symbol when token.Text == "(":
                Expression inner = reader.Next.IsSymbol(")")
                    ? new ListOf([], token.Line)
                    : ParseTuple(() => reader.Next.IsSymbol(")"));
                reader.Expect(")");
                return inner;
            case TokenKind.Symbol when token.Text == "[":
                return new ListOf(ParseUntil("]", () => Parse()), token.Line);
            case TokenKind.Symbol when token.Text == "{":
                return new DictionaryOf(ParseUntil("}", ParsePair), token.Line);
            default:
                throw ChatTemplateException.At(token.Line, $"a value is expected, but there is {token}.");
        }
    }

    private (Expression Key, Expression Value) ParsePair()
    {
        Expression key = Parse();
        reader.Expect(":");
        return (key, Parse());
    }

    private List<T> ParseUntil<T>(string end, Func<T> item)
    {
        List<T> items = [];
        while (!reader.TrySymbol(end))
        {
            if (items.Count > 0) reader.Expect(",");
            if (reader.TrySymbol(end)) break;
            items.Add(item());
        }

        return items;
    }

    private Expression ParseMembers(Expression owner)
    {
        while (true)
        {
            int line = reader.Next.Line;
            if (reader.TrySymbol(".")) owner = new Member(owner, ParseAttribute(), line);
            else if (reader.TrySymbol("[")) owner = ParseSubscript(owner, line);
            else if (reader.Next.IsSymbol("(")) owner = new Call(owner, ParseArguments(), line);
            else return owner;
        }
    }

    private Literal ParseAttribute()
    {
        TemplateToken token = reader.Take();
        return token.Kind switch
        {
            TokenKind.Name => new Literal(token.Text, token.Line),
            TokenKind.Integer => new Literal(long.Parse(token.Text, CultureInfo.InvariantCulture), token.Line),
            _ => throw ChatTemplateException.At(token.Line, $"a name is expected after '.', but there is {token}."),
        };
    }

    private Expression ParseSubscript(Expression owner, int line)
    {
        Expression? from = reader.Next.IsSymbol(":") ? null : Parse();
        if (reader.TrySymbol("]")) return new Member(owner, from ?? throw reader.Unexpected("a value"), line);
        reader.Expect(":");
        Expression? to = reader.Next.IsSymbol("]") || reader.Next.IsSymbol(":") ? null : Parse();
        Expression? step = reader.TrySymbol(":") && !reader.Next.IsSymbol("]") ? Parse() : null;
        reader.Expect("]");
        return new Slice(owner, from, to, step, line);
    }

    private Expression ParseFilters(Expression value)
    {
        while (true)
        {
            int line = reader.Next.Line;
            if (reader.TrySymbol("|"))
            {
                string name = reader.Expect(TokenKind.Name, "the name of a filter").Text;
                value = new Filter(value, name, ParseOptionalArguments(), line);
            }
            else if (reader.TryName("is"))
            {
                value = ParseTest(value, line);
            }
            else
            {
                return value;
            }
        }
    }

    private Test ParseTest(Expression value, int line)
    {
        bool negated = reader.TryName("not");
        string name = reader.Expect(TokenKind.Name, "the name of a test").Text;
        Expression? argument = null;
        if (reader.Next.IsSymbol("("))
        {
            argument = ParseArguments().Positional.FirstOrDefault();
        }
        else if (reader.Next.Kind is TokenKind.String or TokenKind.Integer or TokenKind.Float
            || reader.Next.Kind == TokenKind.Name
                && reader.Next.Text is not ("and" or "or" or "else" or "if" or "is" or "not" or "in"))
        {
            argument = ParseMembers(ParsePrimary());
        }

        return new Test(value, name, argument, negated, line);
    }

    private CallArguments ParseOptionalArguments() => reader.Next.IsSymbol("(") ? ParseArguments() : CallArguments.None;

    private CallArguments ParseArguments()
    {
        reader.Expect("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        ParseUntil(")", () =>
        {
            if (reader.Next.Kind == TokenKind.Name && reader.Peek().IsSymbol("="))
            {
                string name = reader.Take().Text;
                reader.Take();
                named.Add((name, Parse()));
            }
            else
            {
                positional.Add(Parse());
            }

            return true;
        });
        return new CallArguments(positional, named);
    }
}
