using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>A tensor of raw little-endian bytes in memory, of any type.</summary>
/// <remarks>The bytes are not copied: do not change them afterwards.</remarks>
public sealed class BytesTensor : StoredTensor
{
    private readonly ReadOnlyMemory<byte> _bytes;

    /// <summary>Wraps bytes.</summary>
    /// <param name="name">The name.</param>
    /// <param name="bytes">The elements in row-major order, little-endian.</param>
    /// <param name="shape">The dimensions.</param>
    /// <param name="type">The element type.</param>
    /// <exception cref="ArgumentException">The number of bytes does not fit shape and type.</exception>
    public BytesTensor(string name, ReadOnlyMemory<byte> bytes, IReadOnlyList<long> shape, TensorType type)
        : base(name, type, shape)
    {
        if (ByteLength != bytes.Length)
        {
            throw new ArgumentException($"Tensor {Show.Quote(name)}: {type.Name()} {Show.Shape(shape)} takes "
                + $"{ByteLength} bytes, but {bytes.Length} were given.", nameof(bytes));
        }
        _bytes = bytes;
    }

    /// <summary>A list of integers as I64.</summary>
    internal static BytesTensor OfIntegers(string name, long[] values) =>
        new(name, MemoryMarshal.AsBytes<long>(values).ToArray(), [values.Length], TensorType.I64);

    private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
        _bytes.Span.Slice((int)byteOffset, destination.Length).CopyTo(destination);
}
