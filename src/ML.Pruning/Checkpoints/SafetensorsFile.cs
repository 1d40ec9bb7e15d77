using System.Buffers.Binary;

namespace ML.Pruning.Checkpoints;

/// <summary>An open safetensors file.</summary>
/// <remarks>
/// <para>Opening reads and checks the header only; data is read when a tensor is. Files may be larger than memory.
/// Reads are thread-safe.</para>
/// <para>Reference-counted: <see cref="Open"/> gives one reference, <see cref="AddReference"/> one more, and the call
/// of <see cref="Dispose"/> that gives back the last one closes the file; reading afterwards throws
/// <see cref="ObjectDisposedException"/>. A file that is dropped without Dispose is closed (and deleted, if asked for)
/// by the finalizer of its handle.</para>
/// </remarks>
public sealed class SafetensorsFile : IDisposable
{
    private readonly PositionalFile _bytes;
    private int _references = 1;

    private SafetensorsFile(PositionalFile bytes)
    {
        _bytes = bytes;
        Path = bytes.Path;
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var tensors = new Dictionary<string, MappedTensor>(StringComparer.Ordinal);
        if (bytes.Length < SafetensorsHeader.LengthBytes)
        {
            throw new CheckpointFormatException($"{Show.Quote(Path)} has {bytes.Length} bytes; a safetensors file has "
                + $"at least {SafetensorsHeader.LengthBytes}.");
        }
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
        bytes.Read(0, length);
        byte[] header = new byte[SafetensorsHeader.CheckLength(
            Path, BinaryPrimitives.ReadUInt64LittleEndian(length), bytes.Length)];
        bytes.Read(SafetensorsHeader.LengthBytes, header);
        long dataStart = SafetensorsHeader.LengthBytes + header.Length;
        foreach (SafetensorsHeader.Entry entry in
            SafetensorsHeader.Parse(Path, header, bytes.Length - dataStart, metadata))
        {
            tensors.Add(entry.Name, new MappedTensor(
                this, bytes, entry.Name, entry.Type, entry.Shape, dataStart + entry.Begin));
        }
        Tensors = tensors;
        Metadata = metadata;
    }

    /// <summary>The path as given to <see cref="Open"/>.</summary>
    public string Path { get; }

    /// <summary>The tensors by name, in the order of their data.</summary>
    public IReadOnlyDictionary<string, MappedTensor> Tensors { get; }

    /// <summary>The text values of <c>__metadata__</c>; empty if there are none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <param name="path">The file.</param>
    /// <param name="deleteOnClose">Whether the file is temporary and goes away with the last reference. Where the
    /// system allows it the name disappears at once, so that even a killed process leaves nothing behind.</param>
    /// <exception cref="CheckpointFormatException">The file breaks a rule of the format.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read, or is a folder.</exception>
    public static SafetensorsFile Open(string path, bool deleteOnClose = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        PositionalFile bytes = PositionalFile.Open(path, deleteOnClose);
        SafetensorsFile? file = null;
        try
        {
            file = new SafetensorsFile(bytes);
            return file;
        }
        finally
        {
            if (file is null)
                bytes.Dispose();
        }
    }

    /// <summary>Takes one more reference; give it back with <see cref="Dispose"/>.</summary>
    /// <returns>This file.</returns>
    /// <exception cref="ObjectDisposedException">The last reference was given back already.</exception>
    public SafetensorsFile AddReference()
    {
        int seen = Volatile.Read(ref _references);
        while (true)
        {
            ObjectDisposedException.ThrowIf(seen <= 0, this);
            int found = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (found == seen)
                return this;
            seen = found;
        }
    }

    /// <summary>Gives one reference back; the last one closes the file. Further calls do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _references) == 0)
            _bytes.Dispose();
    }
}
