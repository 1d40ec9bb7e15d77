namespace ML.Pruning.Checkpoints;

/// <summary>A tensor inside a memory-mapped file.</summary>
/// <remarks>Reads copy from the mapping; after the file was disposed they throw
/// <see cref="ObjectDisposedException"/>. The tensor keeps its file alive.</remarks>
public sealed class MappedTensor : StoredTensor
{
    private readonly MappedFile _mapping;
    private readonly long _offset;

    internal MappedTensor(
        SafetensorsFile file, MappedFile mapping, string name, TensorType type, IReadOnlyList<long> shape, long offset)
        : base(name, type, shape)
    {
        File = file;
        _mapping = mapping;
        _offset = offset;
    }

    /// <summary>The file that the tensor is part of.</summary>
    public SafetensorsFile File { get; }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
        _mapping.Read(_offset + byteOffset, destination);

    private protected override void ReadElements(long start, Span<float> destination)
    {
        int size = Type.BitsPerElement() / 8;
        int step = int.MaxValue / 8;
        for (int done = 0; done < destination.Length; done += step)
        {
            int count = Math.Min(step, destination.Length - done);
            using MappedFile.Lease lease = _mapping.Borrow(_offset + (start + done) * size, count * size);
            ElementConversion.ToSingle(Type, lease.Bytes, destination.Slice(done, count));
        }
    }
}
