using System.Text;

namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Cuts at single characters of a class (<c>Digits</c>, <c>Punctuation</c>, <c>WhitespaceSplit</c>).</summary>
internal sealed class CharacterSplitter(Func<Rune, bool> isDelimiter, SplitBehavior behavior) : PieceSplitter
{
    /// <inheritdoc/>
    public override void Split(Piece piece, SplitContext context, List<Piece> output)
    {
        if (!context.Cut)
        {
            output.Add(piece);
            return;
        }
        var matches = new List<(int Start, int End)>();
        int at = 0;
        foreach (Rune rune in piece.Text.EnumerateRunes())
        {
            int end = at + rune.Utf16SequenceLength;
            if (isDelimiter(rune))
                matches.Add((at, end));
            at = end;
        }
        DelimiterCutter.Cut(piece, matches, behavior, invert: false, output);
    }
}
