namespace ML.Pruning.Chat.Templates;

/// <summary>An expression of a template.</summary>
/// <param name="Line">Its line.</param>
internal abstract record Expression(int Line)
{
    /// <summary>Its value.</summary>
    /// <exception cref="ChatTemplateException">It has none.</exception>
    public object? Evaluate(TemplateContext context)
    {
        context.Charge(1);
        TemplateValue.CheckDepth();
        try
        {
            object? value = Compute(context);
            if (value is string text) context.Charge(text.Length / 16);
            return value;
        }
        catch (NotSupportedException e)
        {
            throw ChatTemplateException.At(Line, $"{e.Message} is not supported.");
        }
    }

    protected abstract object? Compute(TemplateContext context);
}

/// <summary>A value written in the template.</summary>
internal sealed record Literal(object? Value, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context) => Value;
}

/// <summary>A variable.</summary>
internal sealed record Variable(string Name, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context) => context.Get(Name);
}

/// <summary>A list or tuple.</summary>
internal sealed record ListOf(IReadOnlyList<Expression> Items, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context) => Items.Select(i => i.Evaluate(context)).ToList();
}

/// <summary>A dictionary.</summary>
internal sealed record DictionaryOf(IReadOnlyList<(Expression Key, Expression Value)> Items, int Line)
    : Expression(Line)
{
    protected override object? Compute(TemplateContext context)
    {
        var map = new Dictionary<string, object?>(StringComparer.Ordinal);
        foreach ((Expression key, Expression value) in Items)
        {
            map[key.Evaluate(context) as string ?? throw new NotSupportedException("a key that is no string")] =
                value.Evaluate(context);
        }

        return map;
    }
}

/// <summary>An attribute, <c>a.b</c>, or key, <c>a[b]</c>.</summary>
internal sealed record Member(Expression Owner, Expression Key, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context)
    {
        object? owner = Owner.Evaluate(context), key = Key.Evaluate(context);
        return (owner, key) switch
        {
            (Dictionary<string, object?> map, string name) => map.TryGetValue(name, out object? value)
                ? value
                : new Undefined(name),
            (TemplateNamespace space, string name) => space.Attributes.TryGetValue(name, out object? value)
                ? value
                : new Undefined(name),
            (LoopState loop, string name) => loop.Get(name),
            (List<object?> list, long at) => ItemAt(list, at),
            (string text, long at) => ItemAt(TemplateValue.Items(text), at),
            (null or Undefined, _) => throw ChatTemplateException.At(
                Line, $"'{TemplateValue.ToText(key)}' is asked of {TemplateValue.KindOf(owner)}."),
            _ => new Undefined(TemplateValue.ToText(key)),
        };
    }

    private static object? ItemAt(List<object?> list, long at)
    {
        if (at < 0) at += list.Count;
        return at >= 0 && at < list.Count ? list[(int)at] : new Undefined($"item {at}");
    }
}

/// <summary>A part of a list or string, <c>a[from:to:step]</c>.</summary>
internal sealed record Slice(Expression Owner, Expression? From, Expression? To, Expression? Step, int Line)
    : Expression(Line)
{
    protected override object? Compute(TemplateContext context)
    {
        object? owner = Owner.Evaluate(context);
        if (owner is not (List<object?> or string))
            throw new NotSupportedException($"slicing {TemplateValue.KindOf(owner)}");
        List<object?> items = TemplateValue.Items(owner), taken = [];
        long count = items.Count, step = Whole(Step, context) ?? 1;
        if (step == 0) throw new NotSupportedException("a slice of step 0");
        long from = Bound(Whole(From, context), step > 0 ? 0 : count - 1, step > 0 ? 0 : -1);
        long to = Bound(Whole(To, context), step > 0 ? count : -1, step > 0 ? 0 : -1, isGiven: To is not null);
        for (long i = from; step > 0 ? i < to : i > to; i += step) taken.Add(items[(int)i]);
        return owner is string ? string.Concat(taken) : taken;

        long Bound(long? given, long otherwise, long lowest, bool isGiven = true) => given is { } g && isGiven
            ? Math.Clamp(g < 0 ? g + count : g, lowest, step > 0 ? count : count - 1)
            : otherwise;
    }

    private static long? Whole(Expression? expression, TemplateContext context) => expression?.Evaluate(context) switch
    {
        null => null,
        long n => Math.Clamp(n, -int.MaxValue, int.MaxValue),
        object other => throw new NotSupportedException($"slicing by {TemplateValue.KindOf(other)}"),
    };
}

/// <summary><c>not</c>, or a sign.</summary>
internal sealed record Unary(string Symbol, Expression Operand, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context)
    {
        object? value = Operand.Evaluate(context);
        return Symbol switch
        {
            "not" => !TemplateValue.IsTrue(value),
            "-" => TemplateValue.Calculate("-", 0L, value),
            _ => TemplateValue.Calculate("+", 0L, value),
        };
    }
}

/// <summary>An operator between two expressions.</summary>
internal sealed record Binary(string Symbol, Expression Left, Expression Right, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context)
    {
        object? left = Left.Evaluate(context);
        if (Symbol == "and") return TemplateValue.IsTrue(left) ? Right.Evaluate(context) : left;
        if (Symbol == "or") return TemplateValue.IsTrue(left) ? left : Right.Evaluate(context);
        object? right = Right.Evaluate(context);
        return Symbol switch
        {
            "==" => TemplateValue.AreEqual(left, right),
            "!=" => !TemplateValue.AreEqual(left, right),
            "in" => TemplateValue.Contains(right, left),
            "not in" => !TemplateValue.Contains(right, left),
            "<" => TemplateValue.Compare(left, right) < 0,
            ">" => TemplateValue.Compare(left, right) > 0,
            "<=" => TemplateValue.Compare(left, right) <= 0,
            ">=" => TemplateValue.Compare(left, right) >= 0,
            "~" => TemplateValue.ToText(left) + TemplateValue.ToText(right),
            _ => TemplateValue.Calculate(Symbol, left, right),
        };
    }
}

/// <summary><c>a if b else c</c>.</summary>
internal sealed record Conditional(Expression Condition, Expression Then, Expression? Else, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context) => TemplateValue.IsTrue(Condition.Evaluate(context))
        ? Then.Evaluate(context)
        : Else is null ? new Undefined("the value of an 'if' without 'else'") : Else.Evaluate(context);
}

/// <summary><c>a is test</c>.</summary>
internal sealed record Test(Expression Operand, string Name, Expression? Argument, bool Negated, int Line)
    : Expression(Line)
{
    protected override object? Compute(TemplateContext context) =>
        Negated != TemplateTests.Holds(Name, Operand.Evaluate(context), Argument?.Evaluate(context));
}

/// <summary><c>a | filter(...)</c>.</summary>
internal sealed record Filter(Expression Operand, string Name, CallArguments Arguments, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context) =>
        TemplateFilters.Apply(Name, Operand.Evaluate(context), Arguments.Evaluate(context));
}

/// <summary>A call of a function, or of a method of a value.</summary>
internal sealed record Call(Expression Callee, CallArguments Arguments, int Line) : Expression(Line)
{
    protected override object? Compute(TemplateContext context)
    {
        ArgumentValues arguments = Arguments.Evaluate(context);
        return Callee switch
        {
            Variable function => TemplateFunctions.Call(function.Name, arguments, context),
            Member { Key: Literal { Value: string method } } member =>
                TemplateMethods.Call(member.Owner.Evaluate(context), method, arguments),
            _ => throw new NotSupportedException("such a call"),
        };
    }
}
