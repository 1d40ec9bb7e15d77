using System.Text;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>Removes marks (General_Category M*); the text should be decomposed before.</summary>
internal sealed class StripAccentsNormalizer : TextNormalizer
{
    /// <inheritdoc/>
    public override string Normalize(string original)
    {
        if (!original.AsSpan().ContainsAnyInRange('\u0300', char.MaxValue))
            return original;
        var builder = new StringBuilder(original.Length);
        foreach (Rune rune in original.EnumerateRunes())
        {
            if (!CharacterClasses.IsMark(rune))
                builder.Append(rune);
        }
        return builder.ToString();
    }
}
