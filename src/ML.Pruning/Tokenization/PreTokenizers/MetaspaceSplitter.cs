namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Writes spaces as a marker, may put one in front, and cuts before each marker.</summary>
internal sealed class MetaspaceSplitter(char marker, PrependScheme scheme, bool split) : PieceSplitter
{
    /// <inheritdoc/>
    public override void Split(Piece piece, SplitContext context, List<Piece> output)
    {
        piece = piece with { Text = piece.Text.Replace(' ', marker) };
        bool prepend = scheme == PrependScheme.Always
            || (scheme == PrependScheme.First && context.IsTextStart && piece.Start == 0);
        if (prepend && piece.Text[0] != marker)
            piece = piece.Prepend(marker.ToString());
        if (!split || !context.Cut)
        {
            output.Add(piece);
            return;
        }
        var matches = new List<(int Start, int End)>();
        for (int i = 0; i < piece.Text.Length; i++)
        {
            if (piece.Text[i] == marker)
                matches.Add((i, i + 1));
        }
        DelimiterCutter.Cut(piece, matches, SplitBehavior.MergedWithNext, invert: false, output);
    }

    /// <summary>Reads <c>replacement</c>: one character of the Basic Multilingual Plane.</summary>
    public static char ReadMarker(JsonPart part)
    {
        JsonPart field = part.Field("replacement");
        string value = field.AsString();
        if (value.Length != 1 || char.IsSurrogate(value[0]))
            throw field.Error($"is '{JsonPart.Shorten(value)}'; one character up to U+FFFF is supported.");
        return value[0];
    }

    /// <summary>Reads <c>prepend_scheme</c>, or <c>add_prefix_space</c> of older files.</summary>
    public static PrependScheme ReadScheme(JsonPart part)
    {
        bool addPrefixSpace = part.Boolean("add_prefix_space", true);
        if (!part.TryField("prepend_scheme", out JsonPart field))
            return addPrefixSpace ? PrependScheme.Always : PrependScheme.Never;
        PrependScheme scheme = field.AsString() switch
        {
            "always" => PrependScheme.Always,
            "first" => PrependScheme.First,
            "never" => PrependScheme.Never,
            string other => throw field.Unsupported(other, "always, first, never"),
        };
        if (!addPrefixSpace && scheme != PrependScheme.Never)
            throw field.Error("contradicts add_prefix_space = false; give one of them.");
        return scheme;
    }
}
