using System.Text;

namespace ML.Pruning.Tokenization;

/// <summary>Makes a string valid UTF-16.</summary>
internal static class Utf16Text
{
    /// <summary>The text with U+FFFD for each unpaired surrogate; its length does not change.</summary>
    public static string Repair(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            return text;
        var builder = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            builder.Append(rune);
        return builder.ToString();
    }
}
