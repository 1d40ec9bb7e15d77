using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>A tensor that maps to a range of an open safetensors file.</summary>
/// <remarks>Nothing is loaded until it is read. After the file was disposed reads throw
/// <see cref="ObjectDisposedException"/>. The tensor keeps its file alive.</remarks>
public sealed class MappedTensor : StoredTensor
{
    private readonly PositionalFile _bytes;
    private readonly long _offset;

    internal MappedTensor(
        SafetensorsFile file,
        PositionalFile bytes,
        string name,
        TensorType type,
        IReadOnlyList<long> shape,
        long offset)
        : base(name, type, shape)
    {
        File = file;
        _bytes = bytes;
        _offset = offset;
    }

    /// <summary>The file that the tensor is part of.</summary>
    public SafetensorsFile File { get; }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
        _bytes.Read(_offset + byteOffset, destination);

    private protected override void ReadElements(long start, Span<float> destination)
    {
        if (Type == TensorType.F32 && destination.Length <= int.MaxValue / sizeof(float))
            ReadRaw(start * sizeof(float), MemoryMarshal.AsBytes(destination));
        else
            base.ReadElements(start, destination);
    }
}
