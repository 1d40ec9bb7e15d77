namespace ML.Pruning.Tokenization;

/// <summary>A part of the normalized text on its way to the model, possibly rewritten by pre-tokenizers.</summary>
/// <param name="Text">What the model will see.</param>
/// <param name="Map">For each character of <paramref name="Text"/> where it begins in the normalized text, and one
/// more entry for the end; null where the text is the unchanged stretch from <paramref name="Start"/>.</param>
/// <param name="Start">Where the piece begins in the normalized text.</param>
internal readonly record struct Piece(string Text, int[]? Map, int Start)
{
    /// <summary>Where the piece ends in the normalized text.</summary>
    public int End => Position(Text.Length);

    /// <summary>Where character <paramref name="index"/> begins in the normalized text.</summary>
    public int Position(int index) => Map is null ? Start + index : Map[index];

    /// <summary>The stretch [start, end) of this piece.</summary>
    public Piece Slice(int start, int end)
    {
        if (start == 0 && end == Text.Length)
            return this;
        return new Piece(Text[start..end], Map?[start..(end + 1)], Position(start));
    }

    /// <summary>This piece with text put before it that stands for nothing in the normalized text.</summary>
    public Piece Prepend(string prefix)
    {
        var map = new int[prefix.Length + Text.Length + 1];
        map.AsSpan(0, prefix.Length).Fill(Start);
        for (int i = 0; i <= Text.Length; i++)
            map[prefix.Length + i] = Position(i);
        return new Piece(prefix + Text, map, Start);
    }
}
