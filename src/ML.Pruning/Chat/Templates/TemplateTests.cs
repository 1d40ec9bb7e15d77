namespace ML.Pruning.Chat.Templates;

/// <summary>The tests that follow <c>is</c>.</summary>
internal static class TemplateTests
{
    /// <summary>Whether a test holds.</summary>
    /// <exception cref="NotSupportedException">There is no such test.</exception>
    public static bool Holds(string name, object? value, object? argument) => name switch
    {
        "defined" => value is not Undefined,
        "undefined" => value is Undefined,
        "none" => value is null,
        "string" => value is string,
        "number" => value is long or double or bool,
        "integer" => value is long,
        "float" => value is double,
        "boolean" => value is bool,
        "true" => value is true,
        "false" => value is false,
        "mapping" => value is Dictionary<string, object?>,
        "sequence" or "iterable" => value is string or List<object?> or Dictionary<string, object?>,
        "odd" => value is long n && n % 2 != 0,
        "even" => value is long n && n % 2 == 0,
        "divisibleby" => value is long n && argument is long m and not 0 && n % m == 0,
        "equalto" or "eq" or "sameas" => TemplateValue.AreEqual(value, argument),
        "ne" => !TemplateValue.AreEqual(value, argument),
        "in" => TemplateValue.Contains(argument, value),
        _ => throw new NotSupportedException($"the test '{name}'"),
    };
}
