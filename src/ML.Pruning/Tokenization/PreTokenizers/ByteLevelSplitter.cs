namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Cuts by GPT-2's pattern and writes each piece's UTF-8 bytes in <see cref="ByteLevelAlphabet"/>.</summary>
internal sealed class ByteLevelSplitter(bool addPrefixSpace, bool useRegex) : PieceSplitter
{
    /// <summary>The pattern of GPT-2's encoder (Radford et al. 2019, encoder.py).</summary>
    public const string Gpt2Pattern =
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private static readonly TextPattern s_pattern = TextPattern.FromRegex(Gpt2Pattern);

    /// <inheritdoc/>
    public override void Split(Piece piece, SplitContext context, List<Piece> output)
    {
        if (addPrefixSpace && piece.Text[0] != ' ')
            piece = piece.Prepend(" ");
        int first = output.Count;
        if (useRegex && context.Cut)
            DelimiterCutter.Cut(piece, s_pattern.FindMatches(piece.Text), SplitBehavior.Isolated, false, output);
        else
            output.Add(piece);
        for (int i = first; i < output.Count; i++)
            output[i] = ByteLevelAlphabet.Encode(output[i]);
    }
}
