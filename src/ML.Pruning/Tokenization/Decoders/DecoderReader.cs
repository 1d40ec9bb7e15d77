using ML.Pruning.Tokenization.PreTokenizers;

namespace ML.Pruning.Tokenization.Decoders;

/// <summary>Reads the <c>decoder</c> of tokenizer.json.</summary>
internal static class DecoderReader
{
    private const string Supported = "Sequence, Replace, ByteFallback, Fuse, Strip, ByteLevel, Metaspace, WordPiece";

    /// <summary>The decoder that <paramref name="part"/> describes.</summary>
    public static TokenDecoder Read(JsonPart part)
    {
        string type = part.TypeName();
        return type switch
        {
            "Sequence" => new SequenceDecoder([.. part.Field("decoders").Items().Select(Read)]),
            "Replace" => new ReplaceDecoder(TextPattern.Read(part.Field("pattern")), part.Field("content").AsString()),
            "ByteFallback" => new ByteFallbackDecoder(),
            "Fuse" => new FuseDecoder(),
            "Strip" => new StripDecoder(ReadStripped(part.Field("content")), part.Count("start"), part.Count("stop")),
            "ByteLevel" => new ByteLevelDecoder(),
            "Metaspace" => new MetaspaceDecoder(
                MetaspaceSplitter.ReadMarker(part), MetaspaceSplitter.ReadScheme(part)),
            "WordPiece" => new WordPieceDecoder(part.String("prefix", "##"), part.Boolean("cleanup", true)),
            _ => throw part.Unsupported(type, Supported),
        };
    }

    private static char ReadStripped(JsonPart part)
    {
        string value = part.AsString();
        if (value.Length != 1 || char.IsSurrogate(value[0]))
            throw part.Error($"is '{JsonPart.Shorten(value)}'; one character up to U+FFFF is supported.");
        return value[0];
    }
}
