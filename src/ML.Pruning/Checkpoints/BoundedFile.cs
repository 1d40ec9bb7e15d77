using System.Text.Json;
using System.Text.Json.Nodes;

namespace ML.Pruning.Checkpoints;

/// <summary>Reads small files whole, up to a limit.</summary>
internal static class BoundedFile
{
    private static readonly JsonDocumentOptions s_json = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a file.</summary>
    /// <exception cref="CheckpointFormatException">It is longer than the limit.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static byte[] ReadAllBytes(string path, long limitBytes)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        long length = stream.Length;
        if (length > limitBytes)
        {
            throw new CheckpointFormatException(
                $"{Show.Quote(path)} has {length} bytes; at most {limitBytes} are accepted.");
        }
        byte[] content = new byte[length];
        stream.ReadExactly(content);
        return content;
    }

    /// <summary>Parses a JSON object without duplicate names.</summary>
    /// <exception cref="CheckpointFormatException">It is not one.</exception>
    public static JsonObject ParseObject(string path, ReadOnlySpan<byte> json)
    {
        ReadOnlySpan<byte> byteOrderMark = [0xEF, 0xBB, 0xBF];
        if (json.StartsWith(byteOrderMark))
            json = json[byteOrderMark.Length..];
        try
        {
            return JsonNode.Parse(json, documentOptions: s_json) as JsonObject
                ?? throw new CheckpointFormatException($"{Show.Quote(path)} is not a JSON object.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // Besides JsonException: a name with half a surrogate pair, or a name that stands twice.
            string cause = e.Message.ReplaceLineEndings(" ");
            throw new CheckpointFormatException($"{Show.Quote(path)} is not valid JSON: {cause}", e);
        }
    }
}
