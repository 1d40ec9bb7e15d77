using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ML.Pruning.Chat.Templates;

/// <summary>The values of templates: null, bool, long, double, string, lists, dictionaries with string keys,
/// <see cref="Undefined"/>, <see cref="TemplateNamespace"/> and <see cref="LoopState"/>; and what Python's operators do
/// with them.</summary>
internal static class TemplateValue
{
    private static readonly JavaScriptEncoder s_plain = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>Values from JSON.</summary>
    public static object? FromJson(JsonNode? node) => node switch
    {
        null => null,
        JsonObject o => o.ToDictionary(p => p.Key, p => FromJson(p.Value), StringComparer.Ordinal),
        JsonArray a => a.Select(FromJson).ToList(),
        _ => node.GetValueKind() switch
        {
            JsonValueKind.String => node.GetValue<string>(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => long.TryParse(node.ToJsonString(), CultureInfo.InvariantCulture, out long whole)
                ? whole
                : double.Parse(node.ToJsonString(), CultureInfo.InvariantCulture),
        },
    };

    /// <summary>Whether a condition holds.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool b => b,
        long n => n != 0,
        double d => d != 0,
        string s => s.Length > 0,
        ICollection c => c.Count > 0,
        _ => true,
    };

    /// <summary>Whether two values are equal.</summary>
    public static bool AreEqual(object? left, object? right)
    {
        CheckDepth();
        return (left, right) switch
        {
            (Undefined, Undefined) => true,
            (string a, string b) => string.Equals(a, b, StringComparison.Ordinal),
            (List<object?> a, List<object?> b) => a.Count == b.Count && a.Zip(b).All(p => AreEqual(p.First, p.Second)),
            (Dictionary<string, object?> a, Dictionary<string, object?> b) => a.Count == b.Count
                && a.All(p => b.TryGetValue(p.Key, out object? other) && AreEqual(p.Value, other)),
            _ => Number(left) is { } x && Number(right) is { } y ? x == y : Equals(left, right),
        };
    }

    /// <summary>Whether something is in a string, list or dictionary.</summary>
    /// <exception cref="NotSupportedException">It is none of them.</exception>
    public static bool Contains(object? container, object? item) => container switch
    {
        string s when item is string part => s.Contains(part, StringComparison.Ordinal),
        List<object?> list => list.Exists(i => AreEqual(i, item)),
        Dictionary<string, object?> map => item is string key && map.ContainsKey(key),
        _ => throw new NotSupportedException($"'in' {KindOf(container)}"),
    };

    /// <summary>Order of two numbers or strings.</summary>
    /// <exception cref="NotSupportedException">They have none.</exception>
    public static int Compare(object? left, object? right) => (left, right) switch
    {
        (string a, string b) => string.CompareOrdinal(a, b),
        _ when Number(left) is { } x && Number(right) is { } y => x.CompareTo(y),
        _ => throw new NotSupportedException($"comparing {KindOf(left)} with {KindOf(right)}"),
    };

    /// <summary>Arithmetic; plus also joins strings and lists.</summary>
    /// <exception cref="NotSupportedException">The values cannot be combined.</exception>
    public static object Calculate(string symbol, object? left, object? right)
    {
        if (symbol == "+" && left is string a && right is string b) return a + b;
        if (symbol == "+" && left is List<object?> first && right is List<object?> second)
            return new List<object?>([.. first, .. second]);
        if (left is long m && right is long n && symbol != "/") return Calculate(symbol, m, n);
        if (Number(left) is not { } x || Number(right) is not { } y)
            throw new NotSupportedException($"'{symbol}' between {KindOf(left)} and {KindOf(right)}");
        return symbol switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" when y != 0 => x / y,
            "//" when y != 0 => Math.Floor(x / y),
            "%" when y != 0 => x - y * Math.Floor(x / y),
            _ => throw new NotSupportedException(y == 0 ? "division by zero" : $"the operator '{symbol}'"),
        };
    }

    /// <summary>The items that a loop runs over.</summary>
    /// <exception cref="NotSupportedException">It has none.</exception>
    public static List<object?> Items(object? value) => value switch
    {
        List<object?> list => list,
        Dictionary<string, object?> map => [.. map.Keys],
        string s => [.. s.EnumerateRunes().Select(r => r.ToString())],
        Undefined => [],
        _ => throw new NotSupportedException($"looping over {KindOf(value)}"),
    };

    /// <summary>What a value looks like in the output, as Python's str() makes it.</summary>
    public static string ToText(object? value) => value switch
    {
        string s => s,
        Undefined => "",
        _ => Representation(value),
    };

    /// <summary>JSON as Python's json.dumps writes it: a blank after commas and colons, or indented; letters of other
    /// scripts stay.</summary>
    /// <param name="value">The value.</param>
    /// <param name="indent">Blanks a level; null = one line.</param>
    /// <exception cref="NotSupportedException">It has no JSON form.</exception>
    public static string ToJson(object? value, int? indent = null)
    {
        var text = new StringBuilder();
        AppendJson(text, value, indent, 0);
        return text.ToString();
    }

    /// <summary>Refuses what is nested so deeply that the stack would not do.</summary>
    /// <exception cref="ChatTemplateException">It is.</exception>
    public static void CheckDepth()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new ChatTemplateException("The chat template nests expressions or values too deeply.");
    }

    /// <summary>What kind of value it is, in words.</summary>
    public static string KindOf(object? value) => value switch
    {
        null => "none",
        bool => "a boolean",
        long or double => "a number",
        string => "a string",
        List<object?> => "a list",
        Dictionary<string, object?> => "a dictionary",
        Undefined u => $"'{u.Name}', which is undefined",
        _ => "such a value",
    };

    /// <summary>A number, or null.</summary>
    public static double? Number(object? value) => value switch
    {
        long n => n,
        double d => d,
        bool b => b ? 1 : 0,
        _ => null,
    };

    private static object Calculate(string symbol, long left, long right) => symbol switch
    {
        "+" => unchecked(left + right),
        "-" => unchecked(left - right),
        "*" => unchecked(left * right),
        "//" when right is not (0 or -1) => (left - Modulo(left, right)) / right,
        "%" when right is not (0 or -1) => Modulo(left, right),
        _ => throw new NotSupportedException(
            symbol is "//" or "%" ? $"dividing by {right}" : $"the operator '{symbol}'"),
    };

    // The remainder with the sign of the divisor, as in Python.
    private static long Modulo(long left, long right)
    {
        long remainder = left % right;
        return remainder != 0 && remainder < 0 != right < 0 ? remainder + right : remainder;
    }

    private static string Representation(object? value)
    {
        CheckDepth();
        return Represent(value);
    }

    private static string Represent(object? value) => value switch
    {
        null => "None",
        bool b => b ? "True" : "False",
        long n => n.ToString(CultureInfo.InvariantCulture),
        double d => FloatText(d),
        string s => s.Contains('\'') && !s.Contains('"')
            ? $"\"{s}\""
            : $"'{s.Replace("\\", "\\\\").Replace("'", "\\'").Replace("\n", "\\n")}'",
        List<object?> list => $"[{string.Join(", ", list.Select(Representation))}]",
        Dictionary<string, object?> map =>
            $"{{{string.Join(", ", map.Select(p => $"{Representation(p.Key)}: {Representation(p.Value)}"))}}}",
        _ => throw new NotSupportedException($"printing {KindOf(value)}"),
    };

    private static string FloatText(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.AsSpan().ContainsAny(".EnN") ? text : text + ".0";
    }

    private static void AppendJson(StringBuilder text, object? value, int? indent, int depth)
    {
        CheckDepth();
        switch (value)
        {
            case List<object?> { Count: > 0 } list:
                AppendItems(text, '[', ']', list, indent, depth, item => AppendJson(text, item, indent, depth + 1));
                break;
            case Dictionary<string, object?> { Count: > 0 } map:
                AppendItems(text, '{', '}', map, indent, depth, pair =>
                {
                    text.Append(JsonValue.Create(pair.Key)!.ToJsonString(new() { Encoder = s_plain })).Append(": ");
                    AppendJson(text, pair.Value, indent, depth + 1);
                });
                break;
            default:
                text.Append(value switch
                {
                    null => "null",
                    bool b => b ? "true" : "false",
                    long n => n.ToString(CultureInfo.InvariantCulture),
                    double d => FloatText(d),
                    string s => JsonValue.Create(s)!.ToJsonString(new() { Encoder = s_plain }),
                    List<object?> => "[]",
                    Dictionary<string, object?> => "{}",
                    _ => throw new NotSupportedException($"tojson of {KindOf(value)}"),
                });
                break;
        }
    }

    private static void AppendItems<T>(
        StringBuilder text, char open, char close, IEnumerable<T> items, int? indent, int depth, Action<T> append)
    {
        text.Append(open);
        string separator = indent is { } n ? "\n" + new string(' ', n * (depth + 1)) : "";
        bool first = true;
        foreach (T item in items)
        {
            if (!first) text.Append(indent is null ? ", " : ",");
            text.Append(separator);
            append(item);
            first = false;
        }

        if (indent is { } width) text.Append('\n').Append(' ', width * depth);
        text.Append(close);
    }
}
