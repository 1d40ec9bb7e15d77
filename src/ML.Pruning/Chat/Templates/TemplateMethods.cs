namespace ML.Pruning.Chat.Templates;

/// <summary>The methods of strings and dictionaries that a template may call; none changes a value.</summary>
internal static class TemplateMethods
{
    /// <summary>Calls one.</summary>
    /// <exception cref="NotSupportedException">There is no such method.</exception>
    public static object? Call(object? owner, string name, ArgumentValues arguments) => owner switch
    {
        string text => OfString(text, name, arguments),
        Dictionary<string, object?> map => OfDictionary(map, name, arguments),
        _ => throw new NotSupportedException($"the method '{name}' of {TemplateValue.KindOf(owner)}"),
    };

    private static object? OfDictionary(Dictionary<string, object?> map, string name, ArgumentValues arguments) =>
        name switch
        {
            "items" => Items(map),
            "keys" => map.Keys.ToList<object?>(),
            "values" => map.Values.ToList(),
            "get" => map.TryGetValue(arguments.Allow("key", "default").Text(0, "key"), out object? value)
                ? value
                : arguments.Get(1, "default"),
            _ => throw new NotSupportedException($"the method '{name}' of a dictionary"),
        };

    /// <summary>Pairs of key and value.</summary>
    public static List<object?> Items(Dictionary<string, object?> map) =>
        [.. map.Select(p => (object?)new List<object?> { p.Key, p.Value })];

    private static object? OfString(string text, string name, ArgumentValues arguments)
    {
        char[]? characters = arguments.Get(0, "chars") is string chars ? chars.ToCharArray() : null;
        return name switch
        {
            "strip" => text.Trim(characters),
            "lstrip" => text.TrimStart(characters),
            "rstrip" => text.TrimEnd(characters),
            "upper" => text.ToUpperInvariant(),
            "lower" => text.ToLowerInvariant(),
            "capitalize" or "title" => TemplateFilters.Apply(name, text, arguments),
            "startswith" => text.StartsWith(arguments.Text(0, "prefix"), StringComparison.Ordinal),
            "endswith" => text.EndsWith(arguments.Text(0, "suffix"), StringComparison.Ordinal),
            "find" => (long)text.IndexOf(arguments.Text(0, "sub"), StringComparison.Ordinal),
            "count" => (long)text.AsSpan().Count(arguments.Text(0, "sub")),
            "replace" => text.Replace(arguments.Text(0, "old"), arguments.Text(1, "new"), StringComparison.Ordinal),
            "join" => string.Join(text, TemplateValue.Items(arguments.Get(0, "items")).Select(TemplateValue.ToText)),
            "split" => Split(text, arguments.Allow("sep", "maxsplit")),
            _ => throw new NotSupportedException($"the method '{name}' of a string"),
        };
    }

    private static List<object?> Split(string text, ArgumentValues arguments)
    {
        int count = arguments.Get(1, "maxsplit") is long most and >= 0 ? (int)Math.Min(most, int.MaxValue - 1) + 1
            : int.MaxValue;
        return arguments.Get(0, "sep") is string separator
            ? [.. text.Split(separator, count, StringSplitOptions.None)]
            : [.. text.Split((char[]?)null, count, StringSplitOptions.RemoveEmptyEntries)];
    }
}
