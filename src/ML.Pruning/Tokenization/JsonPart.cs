using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace ML.Pruning.Tokenization;

/// <summary>A JSON value with its place in the file, so that every error can name it.</summary>
internal readonly struct JsonPart(JsonElement element, string path)
{
    private const int MaxShownLength = 60;

    /// <summary>The file and the path inside it, as in <c>tokenizer.json: model.vocab</c>.</summary>
    public string Path => path;

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
            if (reader.Read())
                throw new TokenizerFormatException($"{fileName}: there is more after the first JSON value.");
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
    public TokenizerFormatException Error(string what) => new($"{path} {what}");

    /// <summary>The error for a component that is not supported, by name.</summary>
    public TokenizerFormatException Unsupported(string name, string supported)
        => Error($"'{Shorten(name)}' is not supported; supported are {supported}.");

    /// <summary>Gets a field; absent and null are the same.</summary>
    public bool TryField(string name, out JsonPart field)
    {
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value)
            && value.ValueKind != JsonValueKind.Null)
        {
            field = new JsonPart(value, Child(name));
            return true;
        }
        field = default;
        return false;
    }

    /// <summary>Gets a field that must be there.</summary>
    public JsonPart Field(string name)
        => TryField(name, out JsonPart field) ? field : throw Error($"has no field '{name}'.");

    /// <summary>The name under <c>type</c> of a component.</summary>
    public string TypeName() => Field("type").AsString();

    /// <summary>A string field, or <paramref name="absent"/>.</summary>
    [return: NotNullIfNotNull(nameof(absent))]
    public string? String(string name, string? absent)
        => TryField(name, out JsonPart field) ? field.AsString() : absent;

    /// <summary>A Boolean field, or <paramref name="absent"/>.</summary>
    public bool Boolean(string name, bool absent)
    {
        if (!TryField(name, out JsonPart field))
            return absent;
        return field.Element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw field.Error($"is a {field.Element.ValueKind}; true or false is needed."),
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
            throw new TokenizerFormatException($"{path} holds text that is not valid Unicode.", e);
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
    public int Count(string name)
    {
        JsonPart field = Field(name);
        if (field.Element.ValueKind == JsonValueKind.Number && field.Element.TryGetInt32(out int value) && value >= 0)
            return value;
        throw field.Error($"is {Shorten(field.Element.GetRawText())}; a count from 0 to {int.MaxValue} is needed.");
    }

    /// <summary>The items of this array.</summary>
    public IEnumerable<JsonPart> Items()
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw Error($"is a {element.ValueKind}; an array is needed.");
        string parent = path;
        return element.EnumerateArray().Select((item, index) => new JsonPart(item, $"{parent}[{index}]"));
    }

    /// <summary>The fields of this object.</summary>
    public JsonElement.ObjectEnumerator Fields()
        => element.ValueKind == JsonValueKind.Object
            ? element.EnumerateObject()
            : throw Error($"is a {element.ValueKind}; an object is needed.");

    /// <summary>The place of a field of this object.</summary>
    public string Child(string name) => path.EndsWith(':') ? $"{path} {name}" : $"{path}.{name}";

    /// <summary>A value of the file, cut for a message and without line breaks.</summary>
    public static string Shorten(string value)
    {
        string line = value.ReplaceLineEndings(" ");
        return line.Length <= MaxShownLength ? line : line[..MaxShownLength] + "...";
    }
}
