namespace ML.Pruning.Chat.Templates;

/// <summary>The names that a value is assigned to.</summary>
internal static class LoopTarget
{
    /// <summary>Assigns a value to a name, or its items to several.</summary>
    /// <exception cref="ChatTemplateException">It has not as many items as there are names.</exception>
    public static void Assign(IReadOnlyList<string> names, object? value, TemplateContext context, int line)
    {
        if (names.Count == 1)
        {
            context.Set(names[0], value);
            return;
        }

        if (value is not List<object?> items || items.Count != names.Count)
        {
            throw ChatTemplateException.At(
                line, $"{names.Count} names are to be set from {TemplateValue.KindOf(value)} that has not "
                    + $"{names.Count} items.");
        }

        for (int i = 0; i < names.Count; i++) context.Set(names[i], items[i]);
    }
}
