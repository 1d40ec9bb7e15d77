using System.Text;
using System.Text.RegularExpressions;

namespace ML.Pruning.Tokenization;

/// <summary>A pattern of tokenizer.json: an exact string, or an Oniguruma expression run as a .NET one.</summary>
/// <remarks>
/// <para>.NET matches UTF-16 units, so a letter above U+FFFF would not be <c>\p{L}</c>. Before matching, each surrogate
/// pair is replaced by one character of the same general category, and the matches are mapped back.</para>
/// <para>In Oniguruma's Ruby syntax ^ and $ match at line ends, hence <see cref="RegexOptions.Multiline"/>.</para>
/// </remarks>
internal sealed class TextPattern
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    private readonly string? _literal;
    private readonly Regex? _regex;

    private TextPattern(string? literal, Regex? regex)
    {
        _literal = literal;
        _regex = regex;
    }

    /// <summary>Reads <c>{"String": ...}</c> or <c>{"Regex": ...}</c>.</summary>
    public static TextPattern Read(JsonPart part)
    {
        if (part.TryField("String", out JsonPart literal))
            return new TextPattern(literal.AsString(), null);
        if (part.TryField("Regex", out JsonPart regex))
            return FromRegex(regex.AsString(), regex);
        throw part.Error("has neither 'String' nor 'Regex'; a pattern is one of them.");
    }

    /// <summary>The pattern for a regular expression; errors name <paramref name="part"/>.</summary>
    public static TextPattern FromRegex(string expression, JsonPart part)
    {
        expression = CharacterClassUnion.Flatten(expression);
        if (FindOnigurumaOnly(expression) is { } construct)
            throw part.Error($"uses {construct}, which .NET regular expressions read differently; write it otherwise.");
        try
        {
            return FromRegex(expression);
        }
        catch (ArgumentException e)
        {
            string reason = JsonPart.Shorten(e.Message);
            throw new TokenizerFormatException($"{part.Path} is not a supported regular expression: {reason}", e);
        }
    }

    /// <summary>The pattern for a regular expression known to be good.</summary>
    public static TextPattern FromRegex(string expression)
        => new(null, new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.Multiline, s_timeout));

    /// <summary>The matches, left to right, not overlapping.</summary>
    public List<(int Start, int End)> FindMatches(string text)
    {
        var matches = new List<(int Start, int End)>();
        if (_regex is null)
        {
            if (_literal!.Length == 0)
                return matches;
            for (int at = 0; (at = text.IndexOf(_literal, at, StringComparison.Ordinal)) >= 0; at += _literal.Length)
                matches.Add((at, at + _literal.Length));
            return matches;
        }
        int[]? map = null;
        string subject = text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Flatten(text, out map) : text;
        try
        {
            foreach (ValueMatch match in _regex.EnumerateMatches(subject))
            {
                int end = match.Index + match.Length;
                matches.Add(map is null ? (match.Index, end) : (map[match.Index], map[end]));
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new TokenizerFormatException(
                $"The pattern '{JsonPart.Shorten(_regex.ToString())}' of tokenizer.json took more than "
                + $"{s_timeout.TotalSeconds} s to find one match; write it without nested repetition.", e);
        }
        return matches;
    }

    /// <summary>The text with every match replaced by <paramref name="content"/>, taken literally.</summary>
    public string Replace(string text, string content)
    {
        if (_literal is { Length: > 0 })
            return text.Replace(_literal, content, StringComparison.Ordinal);
        List<(int Start, int End)> matches = FindMatches(text);
        if (matches.Count == 0)
            return text;
        var builder = new StringBuilder(text.Length);
        int copied = 0;
        foreach ((int start, int end) in matches)
        {
            builder.Append(text, copied, start - copied).Append(content);
            copied = end;
        }
        return builder.Append(text, copied, text.Length - copied).ToString();
    }

    private static string Flatten(string text, out int[] map)
    {
        var builder = new StringBuilder(text.Length);
        map = new int[text.Length + 1];
        for (int i = 0; i < text.Length; i++)
        {
            map[builder.Length] = i;
            if (Rune.TryGetRuneAt(text, i, out Rune rune) && rune.Utf16SequenceLength == 2)
            {
                builder.Append(CharacterClasses.Representative(rune));
                i++;
            }
            else
                builder.Append(text[i]);
        }
        map[builder.Length] = text.Length;
        return builder.ToString();
    }

    /// <summary>Names the first construct that .NET would accept but read otherwise, or null.</summary>
    private static string? FindOnigurumaOnly(string expression)
    {
        bool inClass = false;
        for (int i = 0; i < expression.Length; i++)
        {
            char c = expression[i];
            if (char.IsSurrogate(c))
                return "a character above U+FFFF";
            if (c == '\\' && i + 1 < expression.Length)
            {
                if ("hHRXKgGyYO".Contains(expression[++i], StringComparison.Ordinal))
                    return "the escape \\" + expression[i];
            }
            else if (!inClass && c == '[')
            {
                inClass = true;
                // A ] right after [ or [^ is a literal.
                if (i + 1 < expression.Length && expression[i + 1] == '^')
                    i++;
                if (i + 1 < expression.Length && expression[i + 1] == ']')
                    i++;
            }
            else if (inClass && c == ']')
                inClass = false;
            else if (inClass && c == '[')
                return "a class inside a class";
            else if (inClass && c == '&' && i + 1 < expression.Length && expression[i + 1] == '&')
                return "an intersection of classes (&&)";
        }
        return null;
    }
}
