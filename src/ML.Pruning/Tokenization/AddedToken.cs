namespace ML.Pruning.Tokenization;

/// <summary>A token that prompts recognise as a whole, before the model sees the text.</summary>
internal sealed record AddedToken
{
    /// <summary>The id.</summary>
    public required int Id { get; init; }

    /// <summary>The text; not empty.</summary>
    public required string Content { get; init; }

    /// <summary>Takes the white space before it.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Takes the white space after it.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Is recognised only where no word character touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Is normalized itself, and sought in the normalized text.</summary>
    public bool Normalized { get; init; }

    /// <summary>Is left out when ids are decoded without special tokens.</summary>
    public bool Special { get; init; }

    /// <summary>Reads the flags and <c>content</c> of an entry of <c>added_tokens</c>.</summary>
    public static AddedToken Read(JsonPart part, int id)
    {
        JsonPart content = part.Field("content");
        string text = content.AsString();
        if (text.Length == 0)
            throw content.Error("is empty; an added token needs a text.");
        bool special = part.Boolean("special", false);
        return new AddedToken
        {
            Id = id,
            Content = text,
            LeftStrip = part.Boolean("lstrip", false),
            RightStrip = part.Boolean("rstrip", false),
            SingleWord = part.Boolean("single_word", false),
            Normalized = part.Boolean("normalized", !special),
            Special = special,
        };
    }
}
