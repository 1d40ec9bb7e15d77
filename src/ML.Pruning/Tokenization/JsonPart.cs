using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace ML.Pruning.Tokenization;

/// <summary>A JSON value with its place in the file, so that every error can name it.</summary>
/// <param name="element">The value.</param>
/// <param name="parent">The place of what holds it; the place itself for a file.</param>
/// <param name="name">Its field name, or null.</param>
/// <param name="index">Its index in an array, or -1.</param>
internal readonly struct JsonPart(JsonElement element, string parent, string? name = null, int index = -1)
{
    private const int MaxShownLength = 60;

    /// <summary>The file and the path inside it, as in <c>tokenizer.json: model.vocab</c>.</summary>
    /// <remarks>Put together only when asked for: a vocabulary has hundreds of thousands of values.</remarks>
    public string Path
    {
        get
        {
            if (index >= 0)
                return $"{parent}[{index}]";
            if (name is null)
                return parent;
            return parent.EndsWith(':') ? $"{parent} {Shorten(name)}" : $"{parent}.{Shorten(name)}";
        }
    }

    /// <summary>The value.</summary>
    public JsonElement Element => element;

    /// <summary>Parses a whole file; its bytes may be given up afterwards.</summary>
    public static JsonPart Parse(ReadOnlySpan<byte> utf8, string fileName)
    {
        if (utf8.StartsWith("\uFEFF"u8))
            utf8 = utf8[3..];
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 64 });
            JsonElement root = JsonElement.ParseValue(ref reader);
            reader.Read(); // Throws if more than white space follows.
            if (root.ValueKind != JsonValueKind.Object)
                throw new TokenizerFormatException($"{fileName}: the JSON is a {root.ValueKind}; an object is needed.");
            return new JsonPart(root, fileName + ":");
        }
        catch (JsonException e)
        {
            string reason = e.Message.ReplaceLineEndings(" ");
            throw new TokenizerFormatException($"{fileName}: not JSON (nesting up to 64 levels): {reason}", e);
        }
    }

    /// <summary>The error for this value.</summary>
    public TokenizerFormatException Error(string what) => new($"{Path} {what}");

    /// <summary>The error for a component that is not supported, by name.</summary>
    public TokenizerFormatException Unsupported(string name, string supported)
        => Error($"'{Shorten(name)}' is not supported; supported are {supported}.");

    /// <summary>Gets a field; absent and null are the same.</summary>
    public bool TryField(string field, out JsonPart part)
    {
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(field, out JsonElement value)
            && value.ValueKind != JsonValueKind.Null)
        {
            part = new JsonPart(value, Path, field);
            return true;
        }
        part = default;
        return false;
    }

    /// <summary>Gets a field that must be there.</summary>
    public JsonPart Field(string field)
        => TryField(field, out JsonPart part) ? part : throw Error($"has no field '{field}'.");

    /// <summary>The name under <c>type</c> of a component.</summary>
    public string TypeName() => Field("type").AsString();

    /// <summary>A string field, or <paramref name="absent"/>.</summary>
    [return: NotNullIfNotNull(nameof(absent))]
    public string? String(string field, string? absent)
        => TryField(field, out JsonPart part) ? part.AsString() : absent;

    /// <summary>A Boolean field, or <paramref name="absent"/>.</summary>
    public bool Boolean(string field, bool absent)
    {
        if (!TryField(field, out JsonPart part))
            return absent;
        return part.Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw part.Error($"is a {part.Element.ValueKind}; true or false is needed."),
        };
    }

    /// <summary>This value as a string.</summary>
    public string AsString()
    {
        if (element.ValueKind != JsonValueKind.String)
            throw Error($"is a {element.ValueKind}; a string is needed.");
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException e)
        {
            throw new TokenizerFormatException($"{Path} holds text that is not valid Unicode.", e);
        }
    }

    /// <summary>This value as a token id: an integer in [0, 2^31 - 2].</summary>
    public int AsTokenId()
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int id)
            && id is >= 0 and < int.MaxValue)
            return id;
        throw Error($"is {Shorten(element.GetRawText())}; a token id from 0 to {int.MaxValue - 1} is needed.");
    }

    /// <summary>A count from 0 to 2^31 - 1 under a field.</summary>
    public int Count(string field)
    {
        JsonPart part = Field(field);
        if (part.Element.ValueKind == JsonValueKind.Number && part.Element.TryGetInt32(out int value) && value >= 0)
            return value;
        throw part.Error($"is {Shorten(part.Element.GetRawText())}; a count from 0 to {int.MaxValue} is needed.");
    }

    /// <summary>The items of this array.</summary>
    public IEnumerable<JsonPart> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw Error($"is a {element.ValueKind}; an array is needed.");
        string place = Path;
        return element.EnumerateArray().Select((item, at) => new JsonPart(item, place, null, at));
    }

    /// <summary>The fields of this object.</summary>
    public JsonElement.ObjectEnumerator Fields()
        => element.ValueKind == JsonValueKind.Object
            ? element.EnumerateObject()
            : throw Error($"is a {element.ValueKind}; an object is needed.");

    /// <summary>A value of the file, cut for a message and without line breaks.</summary>
    public static string Shorten(string value)
    {
        string line = value.ReplaceLineEndings(" ");
        return line.Length <= MaxShownLength ? line : line[..MaxShownLength] + "...";
    }
}
