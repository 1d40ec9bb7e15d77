namespace ML.Pruning.Tokenization.PostProcessors;

/// <summary>The special tokens that stand before and after a text by itself.</summary>
/// <param name="Before">Ids before the text.</param>
/// <param name="After">Ids after the text.</param>
internal sealed record SequenceTemplate(IReadOnlyList<int> Before, IReadOnlyList<int> After)
{
    /// <summary>Reads <c>single</c> of a TemplateProcessing; pairs of texts are not encoded here.</summary>
    public static SequenceTemplate Read(JsonPart part)
    {
        var before = new List<int>();
        var after = new List<int>();
        int sequences = 0;
        JsonPart single = part.Field("single");
        foreach (JsonPart item in single.Items())
        {
            if (item.TryField("Sequence", out _))
                sequences++;
            else if (item.TryField("SpecialToken", out JsonPart special))
                (sequences == 0 ? before : after).AddRange(ReadIds(special.Field("id"), part));
            else
                throw item.Error("is neither 'Sequence' nor 'SpecialToken'.");
        }
        if (sequences != 1)
            throw single.Error($"holds the text {sequences} times; once is supported.");
        return new SequenceTemplate(before, after);
    }

    private static IEnumerable<int> ReadIds(JsonPart name, JsonPart part)
    {
        if (!part.TryField("special_tokens", out JsonPart tokens)
            || !tokens.TryField(name.AsString(), out JsonPart token))
            throw name.Error($"'{JsonPart.Shorten(name.AsString())}' is not in special_tokens.");
        return token.Field("ids").Items().Select(id => id.AsTokenId());
    }
}
