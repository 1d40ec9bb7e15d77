using System.Text;

namespace ML.Pruning.Tokenization.Normalizers;

/// <summary>The Unicode normalization forms NFC, NFD, NFKC and NFKD, from this assembly's own tables.</summary>
/// <remarks>
/// <para>Algorithm and Hangul arithmetic: The Unicode Standard 15.0, sections 3.11 and 3.12.</para>
/// <para><c>string.Normalize</c> is not used: in globalization-invariant mode it returns its input unchanged, and
/// elsewhere its Unicode version is that of the machine, so the same text could give other tokens there.</para>
/// <para>Thread-safe; linear in the length of the text.</para>
/// </remarks>
internal static class UnicodeNormalization
{
    private const int HangulBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    /// <summary>The text in the given form. Unpaired surrogates pass unchanged.</summary>
    public static string Normalize(string text, NormalizationForm form)
    {
        bool compatibility = form is NormalizationForm.FormKC or NormalizationForm.FormKD;
        bool compose = form is NormalizationForm.FormC or NormalizationForm.FormKC;
        // Below U+00A0 nothing decomposes; below U+0300 nothing composes and canonical decompositions are composed.
        char limit = compatibility || !compose ? '\u00A0' : '\u0300';
        if (!text.AsSpan().ContainsAnyInRange(limit, char.MaxValue))
            return text;

        List<int> points = Decompose(text, compatibility);
        Reorder(points);
        if (compose)
            Compose(points);
        var builder = new StringBuilder(text.Length + 16);
        foreach (int point in points)
        {
            if (point <= char.MaxValue)
                builder.Append((char)point);
            else
                builder.Append(char.ConvertFromUtf32(point));
        }
        return builder.ToString();
    }

    private static List<int> Decompose(string text, bool compatibility)
    {
        UnicodeTables tables = UnicodeTables.Instance;
        var points = new List<int>(text.Length + 16);
        for (int i = 0; i < text.Length; i++)
        {
            int point = text[i];
            if (point < 0xA0)
            {
                points.Add(point);
                continue;
            }
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                point = char.ConvertToUtf32(text[i], text[++i]);
            int syllable = point - HangulBase;
            if (syllable is >= 0 and < SyllableCount)
            {
                points.Add(LeadBase + syllable / (VowelCount * TrailCount));
                points.Add(VowelBase + syllable % (VowelCount * TrailCount) / TrailCount);
                if (syllable % TrailCount != 0)
                    points.Add(TrailBase + syllable % TrailCount);
            }
            else if (tables.Decomposition(point, compatibility) is { } parts)
                points.AddRange(parts);
            else
                points.Add(point);
        }
        return points;
    }

    /// <summary>Sorts each run of non-starters by combining class, keeping the order of equals.</summary>
    private static void Reorder(List<int> points)
    {
        UnicodeTables tables = UnicodeTables.Instance;
        for (int i = 0; i < points.Count; i++)
        {
            if (points[i] < 0x300 || tables.CombiningClass(points[i]) == 0)
                continue;
            int end = i + 1;
            while (end < points.Count && tables.CombiningClass(points[end]) != 0)
                end++;
            if (end - i > 1)
            {
                int[] sorted = [.. points.GetRange(i, end - i).OrderBy(point => tables.CombiningClass(point))];
                for (int k = 0; k < sorted.Length; k++)
                    points[i + k] = sorted[k];
            }
            i = end;
        }
    }

    /// <summary>Replaces, in place, each starter and an unblocked follower by their composition.</summary>
    private static void Compose(List<int> points)
    {
        UnicodeTables tables = UnicodeTables.Instance;
        int written = 0;
        int starter = -1;
        int lastClass = -1;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int combiningClass = point < 0x300 ? 0 : tables.CombiningClass(point);
            bool blocked = lastClass >= combiningClass && lastClass != -1;
            if (starter >= 0 && !blocked && ComposePair(tables, points[starter], point) is var composed and >= 0)
            {
                points[starter] = composed;
                continue;
            }
            if (combiningClass == 0)
            {
                starter = written;
                lastClass = -1;
            }
            else
                lastClass = combiningClass;
            points[written++] = point;
        }
        points.RemoveRange(written, points.Count - written);
    }

    private static int ComposePair(UnicodeTables tables, int first, int second)
    {
        if (first - LeadBase is >= 0 and < LeadCount && second - VowelBase is >= 0 and < VowelCount)
            return HangulBase + ((first - LeadBase) * VowelCount + second - VowelBase) * TrailCount;
        int syllable = first - HangulBase;
        if (syllable is >= 0 and < SyllableCount && syllable % TrailCount == 0
            && second - TrailBase is > 0 and < TrailCount)
            return first + second - TrailBase;
        return second < 0x300 ? -1 : tables.Compose(first, second);
    }
}
