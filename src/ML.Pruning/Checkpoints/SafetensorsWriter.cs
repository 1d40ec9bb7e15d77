using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ML.Pruning.Checkpoints;

/// <summary>Writes safetensors files, tensor by tensor.</summary>
/// <remarks>Nothing larger than a piece of a tensor is held in memory. The data starts at a multiple of 8 bytes.
/// Thread-safe.</remarks>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a file that appears whole or not at all; an existing one is replaced.</summary>
    /// <param name="path">Where to write.</param>
    /// <param name="tensors">The tensors in the order of the file; names are unique.</param>
    /// <param name="metadata">Text values for <c>__metadata__</c>, or null.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, one is called <c>__metadata__</c>, or the
    /// header would be longer than 100 MB.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancellation was asked for; nothing is left behind.</exception>
    public static void Write(
        string path,
        IReadOnlyList<StoredTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        using var file = new AtomicFile(path);
        Write(file.Stream, tensors, metadata, cancellationToken);
        file.Commit();
    }

    /// <summary>Writes a file's content to a stream.</summary>
    /// <param name="stream">The destination; need not be seekable; stays open.</param>
    /// <param name="tensors">The tensors in the order of the file; names are unique.</param>
    /// <param name="metadata">Text values for <c>__metadata__</c>, or null.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <exception cref="ArgumentException">Two tensors have the same name, one is called <c>__metadata__</c>, or the
    /// header would be longer than 100 MB.</exception>
    /// <exception cref="OperationCanceledException">Cancellation was asked for.</exception>
    public static void Write(
        Stream stream,
        IReadOnlyList<StoredTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(tensors);
        stream.Write(Header(tensors, metadata));
        foreach (StoredTensor tensor in tensors)
            tensor.CopyTo(stream, cancellationToken);
    }

    /// <summary>Writes a temporary file, opens it, and lets it go away with the last reference to it.</summary>
    /// <param name="folder">The folder for the file, for example the one of <see cref="Path.GetTempPath"/>.</param>
    /// <param name="tensors">The tensors in the order of the file; names are unique.</param>
    /// <param name="metadata">Text values for <c>__metadata__</c>, or null.</param>
    /// <param name="cancellationToken">Checked before each piece.</param>
    /// <returns>The open file; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">As for the other overloads.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="OperationCanceledException">Cancellation was asked for; nothing is left behind.</exception>
    public static SafetensorsFile WriteTemporary(
        string folder,
        IReadOnlyList<StoredTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = Path.Combine(folder, AtomicFile.TemporaryName("weights"));
        bool opened = false;
        try
        {
            using (var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None))
                Write(stream, tensors, metadata, cancellationToken);
            SafetensorsFile file = SafetensorsFile.Open(path, deleteOnClose: true);
            opened = true;
            return file;
        }
        finally
        {
            if (!opened && Directory.Exists(folder))
                File.Delete(path);
        }
    }

    /// <summary>Bytes of the file that <see cref="Write(Stream, IReadOnlyList{StoredTensor},
    /// IReadOnlyDictionary{string, string}?, CancellationToken)"/> would write.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <param name="metadata">Text values, or null.</param>
    public static long FileLength(
        IReadOnlyList<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.Aggregate((long)Header(tensors, metadata).Length, (sum, t) => checked(sum + t.ByteLength));
    }

    // The length, the JSON and the padding.
    internal static ReadOnlySpan<byte> Header(
        IReadOnlyList<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(SafetensorsHeader.LengthBytes)[..SafetensorsHeader.LengthBytes].Clear();
        buffer.Advance(SafetensorsHeader.LengthBytes);
        using (var json = new Utf8JsonWriter(buffer, s_json))
            WriteJson(json, tensors, metadata);
        int padding = -buffer.WrittenCount & (Alignment - 1);
        buffer.GetSpan(Alignment)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        long length = buffer.WrittenCount - SafetensorsHeader.LengthBytes;
        if (length > SafetensorsHeader.MaxBytes)
        {
            throw new ArgumentException($"The header would have {length} bytes; the format allows "
                + $"{SafetensorsHeader.MaxBytes}. Split the tensors over several files.", nameof(tensors));
        }
        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, length);
        return header;
    }

    private static void WriteJson(
        Utf8JsonWriter json, IReadOnlyList<StoredTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var names = new HashSet<string>(StringComparer.Ordinal) { SafetensorsHeader.MetadataName };
        json.WriteStartObject();
        if (metadata is { Count: > 0 })
        {
            json.WriteStartObject(SafetensorsHeader.MetadataName);
            foreach ((string key, string value) in metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
        }
        long offset = 0;
        foreach (StoredTensor tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentException($"The name {Show.Quote(tensor.Name)} is taken.", nameof(tensors));
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.Type.Name());
            json.WriteStartArray("shape");
            foreach (long dimension in tensor.Shape)
                json.WriteNumberValue(dimension);
            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            offset = checked(offset + tensor.ByteLength);
            json.WriteNumberValue(offset);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }
}
