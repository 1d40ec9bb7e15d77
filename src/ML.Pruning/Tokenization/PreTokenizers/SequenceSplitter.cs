namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Applies pre-tokenizers one after another.</summary>
internal sealed class SequenceSplitter(IReadOnlyList<PieceSplitter> splitters) : PieceSplitter
{
    /// <inheritdoc/>
    public override void Split(Piece piece, SplitContext context, List<Piece> output)
    {
        List<Piece> pieces = [piece];
        foreach (PieceSplitter splitter in splitters)
            pieces = splitter.SplitAll(pieces, context);
        output.AddRange(pieces);
    }
}
