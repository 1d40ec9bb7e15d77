namespace ML.Pruning.Tokenization.PostProcessors;

/// <summary>Reads the <c>post_processor</c> of tokenizer.json.</summary>
internal static class PostProcessorReader
{
    private const string Supported = "TemplateProcessing, ByteLevel, Sequence";

    /// <summary>The templates to apply in order; ByteLevel only trims offsets, so it gives none.</summary>
    public static List<SequenceTemplate> Read(JsonPart part)
    {
        string type = part.TypeName();
        return type switch
        {
            "TemplateProcessing" => [SequenceTemplate.Read(part)],
            "ByteLevel" => [],
            "Sequence" => [.. part.Field("processors").Items().SelectMany(Read)],
            _ => throw part.Unsupported(type, Supported),
        };
    }
}
