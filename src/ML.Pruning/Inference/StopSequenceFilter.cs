namespace ML.Pruning.Inference;

/// <summary>Ends a text, which comes in pieces, before the first stop sequence in it.</summary>
/// <remarks>Text that could still become a stop sequence is held back, so that nothing of one is given out. The
/// sequence that is complete first counts, the longest of those that end together; so the result does not depend on
/// where the pieces are cut. Comparison is ordinal. Not thread-safe.</remarks>
/// <param name="sequences">The stop sequences, none of them empty; may be none.</param>
internal sealed class StopSequenceFilter(IReadOnlyList<string> sequences)
{
    private string _held = "";

    /// <summary>Whether a stop sequence has come; text added after it is dropped.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Adds a piece.</summary>
    /// <param name="piece">Any text.</param>
    /// <returns>The text that can be given out by now.</returns>
    public string Add(string piece)
    {
        if (Stopped || piece.Length == 0) return "";
        string text = _held + piece;
        int stop = FindStop(text);
        Stopped = stop >= 0;
        int free = Stopped ? stop : text.Length - HeldBack(text);
        _held = Stopped ? "" : text[free..];
        return text[..free];
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public string Flush()
    {
        string rest = _held;
        _held = "";
        return rest;
    }

    // Where the sequence that is complete first begins, or -1.
    private int FindStop(string text)
    {
        (int End, int Start) first = (int.MaxValue, -1);
        foreach (string sequence in sequences)
        {
            int start = text.IndexOf(sequence, StringComparison.Ordinal);
            if (start >= 0 && (start + sequence.Length, start).CompareTo(first) < 0)
                first = (start + sequence.Length, start);
        }

        return first.Start;
    }

    // Length of the longest end of the text that begins a stop sequence.
    private int HeldBack(string text)
    {
        int longest = 0;
        foreach (string sequence in sequences)
        {
            for (int length = Math.Min(sequence.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(sequence.AsSpan(0, length))) longest = length;
            }
        }

        return longest;
    }
}
