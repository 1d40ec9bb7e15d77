namespace ML.Pruning.Chat.Templates;

/// <summary>What a call is given.</summary>
/// <param name="Positional">By position.</param>
/// <param name="Named">By name.</param>
internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<(string, Expression)> Named)
{
    /// <summary>No arguments.</summary>
    public static CallArguments None { get; } = new([], []);

    /// <summary>Their values.</summary>
    public ArgumentValues Evaluate(TemplateContext context) => new(
        [.. Positional.Select(p => p.Evaluate(context))],
        Named.ToDictionary(n => n.Item1, n => n.Item2.Evaluate(context), StringComparer.Ordinal));
}

/// <summary>The values that a call is given.</summary>
/// <param name="Positional">By position.</param>
/// <param name="Named">By name.</param>
internal sealed record ArgumentValues(IReadOnlyList<object?> Positional, IReadOnlyDictionary<string, object?> Named)
{
    /// <summary>Whether an argument is given.</summary>
    public bool Has(int position, string name) => position < Positional.Count || Named.ContainsKey(name);

    /// <summary>An argument; null if it is not given.</summary>
    public object? Get(int position, string name) => position < Positional.Count
        ? Positional[position]
        : Named.GetValueOrDefault(name);

    /// <summary>A string that must be given.</summary>
    public string Text(int position, string name) => Get(position, name) as string
        ?? throw new NotSupportedException($"{TemplateValue.KindOf(Get(position, name))} as argument '{name}'");

    /// <summary>Refuses named arguments other than these, and more positional ones.</summary>
    public ArgumentValues Allow(params string[] names)
    {
        if (Positional.Count > names.Length) throw new NotSupportedException($"argument {names.Length + 1}");
        foreach (string name in Named.Keys)
            if (!names.Contains(name)) throw new NotSupportedException($"the argument '{name}'");
        return this;
    }
}
