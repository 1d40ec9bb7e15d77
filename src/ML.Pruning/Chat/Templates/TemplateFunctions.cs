using System.Globalization;
using System.Text;

namespace ML.Pruning.Chat.Templates;

/// <summary>The functions that a template may call.</summary>
internal static class TemplateFunctions
{
    private const int MaximumRange = 100_000;

    /// <summary>Calls one.</summary>
    /// <exception cref="ChatTemplateException">raise_exception was called.</exception>
    /// <exception cref="NotSupportedException">There is no such function.</exception>
    public static object? Call(string name, ArgumentValues arguments, TemplateContext context) => name switch
    {
        "namespace" => Namespace(arguments),
        "dict" => arguments.Named.ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal),
        "range" => Range(arguments, context),
        "raise_exception" => throw new ChatTemplateException(
            $"The chat template refuses these messages: {arguments.Allow("message").Text(0, "message")}"),
        "strftime_now" => Time(context.Now, arguments.Allow("format").Text(0, "format")),
        _ => throw new NotSupportedException($"the function '{name}'"),
    };

    private static TemplateNamespace Namespace(ArgumentValues arguments)
    {
        if (arguments.Positional.Count > 0) throw new NotSupportedException("a namespace of a dictionary");
        var space = new TemplateNamespace();
        foreach ((string key, object? value) in arguments.Named) space.Attributes[key] = value;
        return space;
    }

    private static List<object?> Range(ArgumentValues arguments, TemplateContext context)
    {
        long[] given = [.. arguments.Allow("start", "stop", "step").Positional.Select(
            a => a as long? ?? throw new NotSupportedException($"a range of {TemplateValue.KindOf(a)}"))];
        (long start, long stop, long step) = given switch
        {
            [long end] => (0L, end, 1L),
            [long first, long end] => (first, end, 1L),
            [long first, long end, long by] when by != 0 => (first, end, by),
            _ => throw new NotSupportedException("such a range"),
        };
        var items = new List<object?>();
        for (long i = start; step > 0 ? i < stop : i > stop; i += step)
        {
            context.Charge(1);
            if (items.Count == MaximumRange) throw new NotSupportedException($"a range of more than {MaximumRange}");
            items.Add(i);
        }

        return items;
    }

    private static string Time(DateTime now, string format)
    {
        var text = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }

            string pattern = format[++i] switch
            {
                'Y' => "yyyy",
                'y' => "yy",
                'm' => "MM",
                'd' => "dd",
                'b' => "MMM",
                'B' => "MMMM",
                'a' => "ddd",
                'A' => "dddd",
                'H' => "HH",
                'M' => "mm",
                'S' => "ss",
                _ => throw new NotSupportedException($"strftime_now with %{format[i]}"),
            };
            text.Append(now.ToString(pattern, CultureInfo.InvariantCulture));
        }

        return text.ToString();
    }
}
