using System.Globalization;

namespace ML.Pruning.Chat.Templates;

/// <summary>The filters that follow <c>|</c>.</summary>
internal static class TemplateFilters
{
    /// <summary>Applies one.</summary>
    /// <exception cref="NotSupportedException">There is no such filter, or not for this value.</exception>
    public static object? Apply(string name, object? value, ArgumentValues arguments) => name switch
    {
        "tojson" => TemplateValue.ToJson(value, (int?)Math.Clamp(
            arguments.Get(0, "indent") as long? ?? -1, -1, 16) is >= 0 and var n ? n : null),
        "default" or "d" => value is Undefined || TemplateValue.IsTrue(arguments.Get(1, "boolean"))
            && !TemplateValue.IsTrue(value) ? arguments.Get(0, "default_value") ?? "" : value,
        "length" or "count" => (long)TemplateValue.Items(value).Count,
        "string" => TemplateValue.ToText(value),
        "safe" => value,
        "int" => Whole(value),
        "float" => TemplateValue.Number(value) ?? (double.TryParse(value as string, NumberStyles.Float,
            CultureInfo.InvariantCulture, out double d) ? d : 0.0),
        "abs" => value is long l ? Math.Abs(l) : Math.Abs(TemplateValue.Number(value)
            ?? throw new NotSupportedException($"abs of {TemplateValue.KindOf(value)}")),
        "trim" or "upper" or "lower" or "capitalize" or "title" or "replace" or "indent" =>
            OfText(name, TemplateValue.ToText(value), arguments),
        "items" => value is Dictionary<string, object?> map ? TemplateMethods.Items(map) : new List<object?>(),
        _ => OfList(name, value, arguments),
    };

    private static string OfText(string name, string text, ArgumentValues arguments) => name switch
    {
        "trim" => arguments.Get(0, "chars") is string chars ? text.Trim(chars.ToCharArray()) : text.Trim(),
        "upper" => text.ToUpperInvariant(),
        "lower" => text.ToLowerInvariant(),
        "capitalize" => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..].ToLowerInvariant(),
        "title" => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(text.ToLowerInvariant()),
        "replace" => text.Replace(arguments.Text(0, "old"), arguments.Text(1, "new"), StringComparison.Ordinal),
        _ => Indent(text, arguments),
    };

    private static object? OfList(string name, object? value, ArgumentValues arguments) => name switch
    {
        "list" => TemplateValue.Items(value).ToList(),
        "first" => TemplateValue.Items(value) is { Count: > 0 } items ? items[0] : new Undefined("first"),
        "last" => TemplateValue.Items(value) is { Count: > 0 } items ? items[^1] : new Undefined("last"),
        "reverse" => Reversed(value),
        "join" => string.Join(
            arguments.Get(0, "d") as string ?? "", TemplateValue.Items(value).Select(TemplateValue.ToText)),
        "map" => Map(value, arguments),
        "select" => Choose(value, arguments, attribute: false, wanted: true),
        "reject" => Choose(value, arguments, attribute: false, wanted: false),
        "selectattr" => Choose(value, arguments, attribute: true, wanted: true),
        "rejectattr" => Choose(value, arguments, attribute: true, wanted: false),
        _ => throw new NotSupportedException($"the filter '{name}'"),
    };

    private static object Reversed(object? value)
    {
        List<object?> items = [.. TemplateValue.Items(value)];
        items.Reverse();
        return value is string ? string.Concat(items) : items;
    }

    private static List<object?> Map(object? value, ArgumentValues arguments)
    {
        if (arguments.Named.TryGetValue("attribute", out object? named) && named is string attribute)
            return [.. TemplateValue.Items(value).Select(item => Attribute(item, attribute))];
        string filter = arguments.Text(0, "filter");
        var rest = new ArgumentValues([.. arguments.Positional.Skip(1)], arguments.Named);
        return [.. TemplateValue.Items(value).Select(item => Apply(filter, item, rest))];
    }

    private static List<object?> Choose(object? value, ArgumentValues arguments, bool attribute, bool wanted)
    {
        int skip = attribute ? 1 : 0;
        string? test = arguments.Positional.Count > skip ? arguments.Text(skip, "test") : null;
        object? operand = arguments.Get(skip + 1, "value");
        return [.. TemplateValue.Items(value).Where(item =>
        {
            object? tested = attribute ? Attribute(item, arguments.Text(0, "attribute")) : item;
            return wanted == (test is null
                ? TemplateValue.IsTrue(tested)
                : TemplateTests.Holds(Named(test), tested, operand));
        })];
    }

    // Operators are tests by these names too.
    private static string Named(string test) => test switch
    {
        "==" => "eq",
        "!=" => "ne",
        _ => test,
    };

    private static object? Attribute(object? item, string name) =>
        item is Dictionary<string, object?> map && map.TryGetValue(name, out object? value) ? value
            : new Undefined(name);

    private static string Indent(string text, ArgumentValues arguments)
    {
        var blanks = new string(' ', (int)Math.Clamp(arguments.Get(0, "width") as long? ?? 4, 0, 64));
        string[] lines = text.Split('\n');
        bool first = TemplateValue.IsTrue(arguments.Get(1, "first"));
        return string.Join(
            '\n', lines.Select((line, i) => line.Length == 0 || i == 0 && !first ? line : blanks + line));
    }

    private static long Whole(object? value) => value switch
    {
        long n => n,
        double d => (long)d,
        bool b => b ? 1 : 0,
        string s when long.TryParse(
            s.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long n) => n,
        _ => 0,
    };
}
