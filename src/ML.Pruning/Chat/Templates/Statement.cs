namespace ML.Pruning.Chat.Templates;

/// <summary>A piece of a template: text, output, or a statement.</summary>
internal abstract record Statement
{
    /// <summary>Runs a list of pieces, up to a break or continue.</summary>
    public static Flow RunAll(IReadOnlyList<Statement> body, TemplateContext context)
    {
        foreach (Statement statement in body)
        {
            context.Charge(1);
            Flow flow = statement.Run(context);
            if (flow != Flow.Next) return flow;
        }

        return Flow.Next;
    }

    /// <summary>Runs it.</summary>
    public abstract Flow Run(TemplateContext context);
}

/// <summary>Where to go on after a statement.</summary>
internal enum Flow
{
    /// <summary>With the next one.</summary>
    Next,

    /// <summary>After the loop.</summary>
    Break,

    /// <summary>With the next round of the loop.</summary>
    Continue,
}

/// <summary>Text as it is.</summary>
internal sealed record TextOutput(string Text) : Statement
{
    public override Flow Run(TemplateContext context)
    {
        context.Write(Text);
        return Flow.Next;
    }
}

/// <summary><c>{{ value }}</c>.</summary>
internal sealed record ValueOutput(Expression Value) : Statement
{
    public override Flow Run(TemplateContext context)
    {
        try
        {
            context.Write(TemplateValue.ToText(Value.Evaluate(context)));
        }
        catch (NotSupportedException e)
        {
            throw ChatTemplateException.At(Value.Line, $"{e.Message} is not supported.");
        }

        return Flow.Next;
    }
}

/// <summary><c>if</c>, with its <c>elif</c> and <c>else</c> (a branch without condition).</summary>
internal sealed record IfStatement(IReadOnlyList<(Expression? Condition, IReadOnlyList<Statement> Body)> Branches)
    : Statement
{
    public override Flow Run(TemplateContext context)
    {
        foreach ((Expression? condition, IReadOnlyList<Statement> body) in Branches)
            if (condition is null || TemplateValue.IsTrue(condition.Evaluate(context))) return RunAll(body, context);
        return Flow.Next;
    }
}

/// <summary><c>set name = value</c>, <c>set space.name = value</c>, or with a body, what that writes.</summary>
internal sealed record SetStatement(
    IReadOnlyList<string> Names, string? Attribute, Expression? Value, IReadOnlyList<Statement> Body, int Line)
    : Statement
{
    public override Flow Run(TemplateContext context)
    {
        object? value = Value is null ? context.Capture(() => RunAll(Body, context)) : Value.Evaluate(context);
        if (Attribute is not null)
        {
            if (context.Get(Names[0]) is not TemplateNamespace space)
                throw ChatTemplateException.At(Line, $"'{Names[0]}' is no namespace(), so '{Attribute}' of it cannot "
                    + "be set.");
            space.Attributes[Attribute] = value;
            return Flow.Next;
        }

        LoopTarget.Assign(Names, value, context, Line);
        return Flow.Next;
    }
}

/// <summary><c>for names in items if condition</c>, with its <c>else</c>.</summary>
internal sealed record ForStatement(IReadOnlyList<string> Names, Expression Items, Expression? Condition,
    IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise, int Line) : Statement
{
    public override Flow Run(TemplateContext context)
    {
        List<object?> items = ItemsOf(context);
        if (Condition is not null) items = [.. items.Where(item => Fits(item, context))];
        if (items.Count == 0) return RunAll(Otherwise, context);
        var loop = new LoopState(items);
        for (int i = 0; i < items.Count; i++)
        {
            context.Charge(1);
            loop.Index = i;
            Flow flow = Flow.Next;
            context.InScope(() =>
            {
                context.Set("loop", loop);
                LoopTarget.Assign(Names, items[i], context, Line);
                flow = RunAll(Body, context);
            });
            if (flow == Flow.Break) break;
        }

        return Flow.Next;
    }

    private List<object?> ItemsOf(TemplateContext context)
    {
        object? value = Items.Evaluate(context);
        try
        {
            return TemplateValue.Items(value);
        }
        catch (NotSupportedException e)
        {
            throw ChatTemplateException.At(Line, $"{e.Message} is not supported.");
        }
    }

    private bool Fits(object? item, TemplateContext context)
    {
        bool fits = false;
        context.InScope(() =>
        {
            LoopTarget.Assign(Names, item, context, Line);
            fits = TemplateValue.IsTrue(Condition!.Evaluate(context));
        });
        return fits;
    }
}

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record Jump(Flow Flow) : Statement
{
    public override Flow Run(TemplateContext context) => Flow;
}
