namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Cuts a piece at delimiters, in the five ways of <see cref="SplitBehavior"/>.</summary>
/// <remarks>For "the-final--countdown" and the delimiter "-": Removed gives the, final, countdown; Isolated the, -,
/// final, -, -, countdown; MergedWithPrevious the-, final-, -, countdown; MergedWithNext the, -final, -, -countdown;
/// Contiguous the, -, final, --, countdown.</remarks>
internal static class DelimiterCutter
{
    private readonly record struct Stretch(int Start, int End, bool IsDelimiter);

    /// <summary>Adds the parts of <paramref name="piece"/> to <paramref name="output"/>.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="matches">Ascending, not overlapping stretches of the piece's text.</param>
    /// <param name="behavior">What becomes of the delimiters.</param>
    /// <param name="invert">True when the matches are what is to be kept, and the delimiters lie between them.</param>
    /// <param name="output">Receives the parts.</param>
    public static void Cut(
        Piece piece, List<(int Start, int End)> matches, SplitBehavior behavior, bool invert, List<Piece> output)
    {
        List<Stretch> stretches = Cover(piece.Text.Length, matches, invert);
        IEnumerable<Stretch> parts = behavior switch
        {
            SplitBehavior.Removed => stretches.Where(stretch => !stretch.IsDelimiter),
            SplitBehavior.Isolated => stretches,
            SplitBehavior.Contiguous => Join(stretches, (last, next) => last == next),
            SplitBehavior.MergedWithPrevious => Join(stretches, (last, next) => next && !last),
            _ => JoinBackwards(stretches),
        };
        foreach (Stretch part in parts)
        {
            if (part.End > part.Start)
                output.Add(piece.Slice(part.Start, part.End));
        }
    }

    private static List<Stretch> Cover(int length, List<(int Start, int End)> matches, bool invert)
    {
        var stretches = new List<Stretch>(2 * matches.Count + 1);
        int at = 0;
        foreach ((int start, int end) in matches)
        {
            if (start > at)
                stretches.Add(new Stretch(at, start, invert));
            stretches.Add(new Stretch(start, end, !invert));
            at = end;
        }
        if (at < length)
            stretches.Add(new Stretch(at, length, invert));
        return stretches;
    }

    private static List<Stretch> Join(List<Stretch> stretches, Func<bool, bool, bool> joins)
    {
        var parts = new List<Stretch>(stretches.Count);
        bool last = false;
        foreach (Stretch stretch in stretches)
        {
            if (parts.Count > 0 && joins(last, stretch.IsDelimiter))
                parts[^1] = parts[^1] with { End = stretch.End };
            else
                parts.Add(stretch);
            last = stretch.IsDelimiter;
        }
        return parts;
    }

    private static List<Stretch> JoinBackwards(List<Stretch> stretches)
    {
        var parts = new List<Stretch>(stretches.Count);
        bool next = false;
        for (int i = stretches.Count - 1; i >= 0; i--)
        {
            Stretch stretch = stretches[i];
            if (parts.Count > 0 && stretch.IsDelimiter && !next)
                parts[^1] = parts[^1] with { Start = stretch.Start };
            else
                parts.Add(stretch);
            next = stretch.IsDelimiter;
        }
        parts.Reverse();
        return parts;
    }
}
