using System.Text.Json;
using System.Text.Unicode;

namespace ML.Pruning.Checkpoints;

/// <summary>The JSON header of a safetensors file, checked against all rules of the format.</summary>
/// <remarks>The file is: header length N as unsigned 64-bit little-endian, N bytes of JSON, then the data. The JSON
/// maps each tensor name to dtype, shape and data_offsets [begin, end) relative to the data, and the optional name
/// <c>__metadata__</c> to text values. Source: the format section of the safetensors README.</remarks>
internal static class SafetensorsHeader
{
    /// <summary>The name that holds text values instead of a tensor.</summary>
    public const string MetadataName = "__metadata__";

    /// <summary>Bytes of the length that stands first.</summary>
    public const int LengthBytes = sizeof(ulong);

    /// <summary>The longest header that is accepted, in bytes.</summary>
    public const long MaxBytes = 100_000_000;

    /// <summary>One tensor as the header tells it.</summary>
    public sealed record Entry(string Name, TensorType Type, long[] Shape, long Begin, long End);

    /// <summary>Checks the length of the header.</summary>
    /// <exception cref="CheckpointFormatException">It is out of range.</exception>
    public static int CheckLength(string path, ulong headerLength, long fileLength)
    {
        long most = Math.Min(MaxBytes, fileLength - LengthBytes);
        if (headerLength < 2 || headerLength > (ulong)most)
        {
            throw new CheckpointFormatException($"{Show.Quote(path)}: header length {headerLength} is not in "
                + $"[2, {most}]; the file is cut short or not a safetensors file.");
        }
        return (int)headerLength;
    }

    /// <summary>Reads and checks a header.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="json">The header.</param>
    /// <param name="dataLength">Bytes after the header.</param>
    /// <param name="metadata">Receives the text values.</param>
    /// <returns>The tensors in the order of their data.</returns>
    /// <exception cref="CheckpointFormatException">A rule is broken.</exception>
    public static List<Entry> Parse(
        string path, ReadOnlySpan<byte> json, long dataLength, Dictionary<string, string> metadata)
    {
        if (json[0] != (byte)'{')
            throw new CheckpointFormatException($"{Show.Quote(path)}: the header has byte {json[0]} first, not '{{'.");
        if (!Utf8.IsValid(json))
            throw new CheckpointFormatException($"{Show.Quote(path)}: the header is not valid UTF-8.");
        List<Entry> entries;
        try
        {
            entries = ReadEntries(path, json, metadata);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with half a surrogate pair.
            string cause = e.Message.ReplaceLineEndings(" ");
            throw new CheckpointFormatException($"{Show.Quote(path)}: the header is not valid JSON: {cause}", e);
        }
        CheckCoverage(path, entries, dataLength);
        return entries;
    }

    private static List<Entry> ReadEntries(string path, ReadOnlySpan<byte> json, Dictionary<string, string> metadata)
    {
        var entries = new List<Entry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (NextProperty(ref reader, out string name))
        {
            if (!names.Add(name))
                throw new CheckpointFormatException($"{Show.Quote(path)}: the name {Show.Quote(name)} stands twice.");
            if (reader.TokenType != JsonTokenType.StartObject)
                throw Malformed(path, name, "is not a JSON object");
            if (name == MetadataName)
                ReadMetadata(path, ref reader, metadata);
            else
                entries.Add(ReadEntry(path, name, ref reader));
        }
        while (reader.Read())
        {
            // Only white space may follow; anything else throws.
        }
        return entries;
    }

    private static void ReadMetadata(string path, ref Utf8JsonReader reader, Dictionary<string, string> metadata)
    {
        while (NextProperty(ref reader, out string key))
        {
            if (reader.TokenType != JsonTokenType.String)
                throw Malformed(path, MetadataName, $"has a value for {Show.Quote(key)} that is not text");
            if (!metadata.TryAdd(key, reader.GetString()!))
                throw Malformed(path, MetadataName, $"has the key {Show.Quote(key)} twice");
        }
    }

    private static Entry ReadEntry(string path, string name, ref Utf8JsonReader reader)
    {
        TensorType? type = null;
        long[]? shape = null;
        long[]? offsets = null;
        while (NextProperty(ref reader, out string key))
        {
            bool twice = (key == "dtype" && type is not null) || (key == "shape" && shape is not null)
                || (key == "data_offsets" && offsets is not null);
            if (twice)
                throw Malformed(path, name, $"has {key} twice");
            if (key == "dtype")
                type = ReadType(path, name, ref reader);
            else if (key == "shape")
                shape = ReadNumbers(path, name, key, ref reader);
            else if (key == "data_offsets")
                offsets = ReadNumbers(path, name, key, ref reader);
            else
                reader.Skip();
        }
        if (type is null || shape is null || offsets is null)
            throw Malformed(path, name, "lacks one of dtype, shape and data_offsets");
        if (offsets.Length != 2)
            throw Malformed(path, name, $"has {offsets.Length} data_offsets, not 2");
        return new Entry(name, type.Value, shape, offsets[0], offsets[1]);
    }

    private static TensorType ReadType(string path, string name, ref Utf8JsonReader reader)
    {
        string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        if (text is null)
            throw Malformed(path, name, "has a dtype that is not text");
        if (TensorTypes.TryParse(text, out TensorType type))
            return type;
        throw Malformed(path, name,
            $"has the unknown dtype {Show.Quote(text)}; known are {string.Join(", ", TensorTypes.Names)}");
    }

    private static long[] ReadNumbers(string path, string name, string key, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Malformed(path, name, $"has a {key} that is not a list");
        var numbers = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
                throw Malformed(path, name, $"has a {key} with an entry that is not an integer in [0, 2^63)");
            numbers.Add(number);
        }
        return [.. numbers];
    }

    private static void CheckCoverage(string path, List<Entry> entries, long dataLength)
    {
        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long covered = 0;
        foreach (Entry entry in entries)
        {
            if (entry.Begin != covered || entry.End < entry.Begin || entry.End > dataLength)
            {
                throw Malformed(path, entry.Name, $"has data_offsets [{entry.Begin}, {entry.End}]; without hole or "
                    + $"overlap it would begin at {covered} and end at most at {dataLength}");
            }
            long? count = StoredTensor.CountElements(entry.Shape);
            long? size = count is null ? null : TensorTypes.ByteLength(entry.Type, count.Value);
            if (size != entry.End - entry.Begin)
            {
                string needed = size is null ? "no possible number of bytes" : $"{size} bytes";
                throw Malformed(path, entry.Name, $"of {entry.Type.Name()} {Show.Shape(entry.Shape)} takes {needed}, "
                    + $"but its data_offsets span {entry.End - entry.Begin}");
            }
            covered = entry.End;
        }
        if (covered != dataLength)
        {
            throw new CheckpointFormatException($"{Show.Quote(path)}: the tensors cover {covered} bytes, but "
                + $"{dataLength} bytes of data follow the header.");
        }
    }

    // Steps to the value of the next property of the object that the reader is in.
    private static bool NextProperty(ref Utf8JsonReader reader, out string name)
    {
        name = "";
        if (!reader.Read() || reader.TokenType != JsonTokenType.PropertyName)
            return false;
        name = reader.GetString()!;
        return reader.Read();
    }

    private static CheckpointFormatException Malformed(string path, string name, string what) =>
        new($"{Show.Quote(path)}: tensor {Show.Quote(name)} {what}.");
}
