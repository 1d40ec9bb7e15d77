namespace ML.Pruning.Tokenization.PostProcessors;

/// <summary>Reads the <c>post_processor</c> of tokenizer.json.</summary>
internal static class PostProcessorReader
{
    private const string Supported = "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence";

    /// <summary>The templates to apply in order; ByteLevel only trims offsets, so it gives none.</summary>
    public static List<SequenceTemplate> Read(JsonPart part)
    {
        string type = part.TypeName();
        return type switch
        {
            "TemplateProcessing" => [SequenceTemplate.Read(part)],
            "BertProcessing" or "RobertaProcessing" =>
                [new SequenceTemplate([ReadId(part.Field("cls"))], [ReadId(part.Field("sep"))])],
            "ByteLevel" => [],
            "Sequence" => [.. part.Field("processors").Items().SelectMany(Read)],
            _ => throw part.Unsupported(type, Supported),
        };
    }

    // ["[CLS]", 101]
    private static int ReadId(JsonPart pair)
    {
        JsonPart[] items = [.. pair.Items()];
        return items.Length == 2
            ? items[1].AsTokenId()
            : throw pair.Error($"has {items.Length} items; a token and its id are needed.");
    }
}
