using System.Globalization;
using System.Text;

namespace ML.Pruning.Checkpoints;

/// <summary>Text of untrusted files made fit for a one-line message.</summary>
internal static class Show
{
    private const int MaxLength = 120;
    private const int MaxDimensions = 8;

    /// <summary>The text in quotes, control characters and lone surrogates escaped, cut at 120 characters.</summary>
    public static string Quote(string text)
    {
        var result = new StringBuilder("'");
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (result.Length > MaxLength)
            {
                result.Append("...");
                break;
            }
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            bool hidden = category is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
            if (hidden)
                result.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
            else
                result.Append(rune.ToString());
        }
        return result.Append('\'').ToString();
    }

    /// <summary>A shape as [a, b], cut at 8 dimensions.</summary>
    public static string Shape(IReadOnlyList<long> shape)
    {
        string dimensions = string.Join(", ", shape.Take(MaxDimensions));
        return shape.Count > MaxDimensions ? $"[{dimensions}, ... {shape.Count} dimensions]" : $"[{dimensions}]";
    }
}
