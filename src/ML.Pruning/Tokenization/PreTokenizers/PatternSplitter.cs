namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Cuts at the matches of a pattern (<c>Split</c>, <c>Whitespace</c>).</summary>
internal sealed class PatternSplitter(TextPattern pattern, SplitBehavior behavior, bool invert) : PieceSplitter
{
    /// <inheritdoc/>
    public override void Split(Piece piece, SplitContext context, List<Piece> output)
    {
        if (context.Cut)
            DelimiterCutter.Cut(piece, pattern.FindMatches(piece.Text), behavior, invert, output);
        else
            output.Add(piece);
    }
}
