using Microsoft.ML.Tokenizers;

namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>The base of the pre-tokenizers: each turns one piece into others.</summary>
internal abstract class PieceSplitter : PreTokenizer
{
    /// <summary>Cuts and rewrites one piece.</summary>
    /// <param name="piece">A piece that is not empty.</param>
    /// <param name="context">What surrounds the piece.</param>
    /// <param name="output">Receives the results; empty ones are dropped by the caller.</param>
    public abstract void Split(Piece piece, SplitContext context, List<Piece> output);

    /// <summary>Applies this pre-tokenizer to several pieces.</summary>
    public List<Piece> SplitAll(List<Piece> pieces, SplitContext context)
    {
        var output = new List<Piece>();
        foreach (Piece piece in pieces)
        {
            if (piece.Text.Length > 0)
                Split(piece, context, output);
        }
        output.RemoveAll(piece => piece.Text.Length == 0);
        return output;
    }

    /// <inheritdoc/>
    public sealed override IEnumerable<(int Offset, int Length)> PreTokenize(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<Piece> pieces = SplitAll([new Piece(text, null, 0)], new SplitContext(IsTextStart: true, Cut: true));
        return pieces.Select(piece => (piece.Position(0), piece.End - piece.Position(0)));
    }

    /// <inheritdoc/>
    public sealed override IEnumerable<(int Offset, int Length)> PreTokenize(ReadOnlySpan<char> text)
        => PreTokenize(text.ToString());
}
