using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>A tensor of float64 values in memory, stored as F64.</summary>
/// <remarks>The values are not copied: do not change them before the tensor was read.</remarks>
internal sealed class DoubleTensor : StoredTensor
{
    private readonly ReadOnlyMemory<double> _values;

    /// <summary>Wraps values; the shape must fit them.</summary>
    public DoubleTensor(string name, ReadOnlyMemory<double> values, IReadOnlyList<long> shape)
        : base(name, TensorType.F64, shape)
    {
        if (ElementCount != values.Length)
        {
            throw new ArgumentException($"Tensor {Show.Quote(name)}: shape {Show.Shape(shape)} has {ElementCount} "
                + $"elements, but {values.Length} values were given.", nameof(values));
        }

        _values = values;
    }

    /// <summary>Reads a whole F64 tensor.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="destination">Room for its elements.</param>
    /// <exception cref="CheckpointFormatException">It has another type or number of elements.</exception>
    public static void Read(StoredTensor tensor, Span<double> destination)
    {
        if (tensor.Type != TensorType.F64 || tensor.ElementCount != destination.Length)
        {
            throw new CheckpointFormatException($"Tensor {Show.Quote(tensor.Name)} is {tensor.Type.Name()} "
                + $"{Show.Shape(tensor.Shape)}; expected are {destination.Length} elements of F64.");
        }

        const int Piece = 1 << 26;
        for (int start = 0; start < destination.Length; start += Piece)
        {
            Span<double> piece = destination.Slice(start, Math.Min(Piece, destination.Length - start));
            tensor.ReadBytes((long)start * sizeof(double), MemoryMarshal.AsBytes(piece));
        }
    }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        int first = (int)(byteOffset / sizeof(double)), within = (int)(byteOffset % sizeof(double));
        int count = (int)Math.Min(_values.Length - first, (destination.Length + within) / sizeof(double) + 1);
        MemoryMarshal.AsBytes(_values.Span.Slice(first, count)).Slice(within, destination.Length).CopyTo(destination);
    }
}
