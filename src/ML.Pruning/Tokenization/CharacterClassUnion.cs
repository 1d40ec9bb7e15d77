using System.Text;

namespace ML.Pruning.Tokenization;

/// <summary>Writes a class inside a class, which Oniguruma reads as a union, as one class:
/// <c>[^(\s|[.,!])]</c> (BLOOM's split pattern) becomes <c>[^(\s|.,!)]</c>.</summary>
internal static class CharacterClassUnion
{
    /// <summary>Flattens plain classes inside classes.</summary>
    /// <param name="expression">An Oniguruma expression.</param>
    /// <returns>The same expression for .NET; inner classes that are negated, POSIX or part of a range are left as they
    /// are.</returns>
    public static string Flatten(string expression)
    {
        var builder = new StringBuilder(expression.Length);
        bool inClass = false;
        for (int i = 0; i < expression.Length; i++)
        {
            char c = expression[i];
            if (inClass && c == '[' && InnerEnd(expression, i) is { } end)
            {
                for (i++; i < end; i++)
                {
                    // A hyphen at an end of the inner class is itself.
                    if (expression[i] == '-' && (expression[i - 1] == '[' || i + 1 == end)) builder.Append('\\');
                    builder.Append(expression[i]);
                    if (expression[i] == '\\') builder.Append(expression[++i]);
                }

                continue;
            }

            builder.Append(c);
            if (c == '\\' && i + 1 < expression.Length) builder.Append(expression[++i]);
            else if (inClass && c == ']') inClass = false;
            else if (!inClass && c == '[')
            {
                inClass = true;
                // A ] right after [ or [^ is a literal.
                if (i + 1 < expression.Length && expression[i + 1] == '^') builder.Append(expression[++i]);
                if (i + 1 < expression.Length && expression[i + 1] == ']') builder.Append(expression[++i]);
            }
        }

        return builder.ToString();
    }

    // Where a plain inner class ends, or null.
    private static int? InnerEnd(string expression, int start)
    {
        if (expression[start - 1] == '-' || start + 1 >= expression.Length
            || "^:]".Contains(expression[start + 1]))
            return null;
        for (int i = start + 1; i < expression.Length; i++)
        {
            if (expression[i] == '\\') i++;
            else if (expression[i] == '[') return null;
            else if (expression[i] == ']') return i;
        }

        return null;
    }
}
