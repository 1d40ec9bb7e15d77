using System.Text;

namespace ML.Pruning.Tokenization.PreTokenizers;

/// <summary>Reads the <c>pre_tokenizer</c> of tokenizer.json.</summary>
internal static class PreTokenizerReader
{
    private const string Supported =
        "Sequence, ByteLevel, Split, Metaspace, Digits, Whitespace, WhitespaceSplit, Punctuation, "
        + "BertPreTokenizer";

    private const string WhitespacePattern = $"[{CharacterClasses.Word}]+|[^{CharacterClasses.Word}\\s]+";

    /// <summary>The pre-tokenizer that <paramref name="part"/> describes.</summary>
    public static PieceSplitter Read(JsonPart part)
    {
        string type = part.TypeName();
        return type switch
        {
            "Sequence" => new SequenceSplitter([.. part.Field("pretokenizers").Items().Select(Read)]),
            "ByteLevel" => new ByteLevelSplitter(
                part.Boolean("add_prefix_space", true), part.Boolean("use_regex", true)),
            "Split" => new PatternSplitter(
                TextPattern.Read(part.Field("pattern")),
                ReadBehavior(part, null),
                part.Boolean("invert", false)),
            "Metaspace" => new MetaspaceSplitter(
                MetaspaceSplitter.ReadMarker(part),
                MetaspaceSplitter.ReadScheme(part),
                part.Boolean("split", true)),
            "Digits" => new CharacterSplitter(
                Rune.IsNumber,
                part.Boolean("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
            "Whitespace" => new PatternSplitter(
                TextPattern.FromRegex(WhitespacePattern), SplitBehavior.Removed, invert: true),
            "WhitespaceSplit" => new CharacterSplitter(Rune.IsWhiteSpace, SplitBehavior.Removed),
            "Punctuation" => new CharacterSplitter(
                CharacterClasses.IsPunctuation, ReadBehavior(part, SplitBehavior.Isolated)),
            "BertPreTokenizer" => new SequenceSplitter(
            [
                new CharacterSplitter(Rune.IsWhiteSpace, SplitBehavior.Removed),
                new CharacterSplitter(CharacterClasses.IsPunctuation, SplitBehavior.Isolated),
            ]),
            _ => throw part.Unsupported(type, Supported),
        };
    }

    private static SplitBehavior ReadBehavior(JsonPart part, SplitBehavior? absent)
    {
        if (absent is { } behavior && !part.TryField("behavior", out _))
            return behavior;
        JsonPart field = part.Field("behavior");
        return field.AsString() switch
        {
            "Removed" => SplitBehavior.Removed,
            "Isolated" => SplitBehavior.Isolated,
            "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
            "MergedWithNext" => SplitBehavior.MergedWithNext,
            "Contiguous" => SplitBehavior.Contiguous,
            string other => throw field.Unsupported(
                other, "Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous"),
        };
    }
}
