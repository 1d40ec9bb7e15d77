namespace ML.Pruning.Checkpoints;

/// <summary>A tensor of float32 values in memory, stored in a type of choice.</summary>
/// <remarks>Values are rounded to the type, to nearest even, on reading: <see cref="StoredTensor.Read"/> gives what a
/// file written from this tensor would give. The values are not copied: do not change them afterwards.</remarks>
public sealed class ArrayTensor : StoredTensor
{
    private readonly ReadOnlyMemory<float> _values;

    /// <summary>Wraps values.</summary>
    /// <param name="name">The name.</param>
    /// <param name="values">The elements in row-major order.</param>
    /// <param name="shape">The dimensions; their product is the number of values.</param>
    /// <param name="type">F64, F32, F16 or BF16.</param>
    /// <exception cref="ArgumentException">The shape does not fit the values, or the type is another one.</exception>
    public ArrayTensor(
        string name, ReadOnlyMemory<float> values, IReadOnlyList<long> shape, TensorType type = TensorType.F32)
        : base(name, type, shape)
    {
        if (ElementCount != values.Length)
        {
            throw new ArgumentException($"Tensor {Show.Quote(name)}: shape {Show.Shape(shape)} has {ElementCount} "
                + $"elements, but {values.Length} values were given.", nameof(values));
        }
        if (!ElementConversion.CanRoundTo(type))
        {
            throw new ArgumentException($"Tensor {Show.Quote(name)}: float32 cannot be stored as {type.Name()}; "
                + "possible are F64, F32, F16 and BF16.", nameof(type));
        }
        _values = values;
    }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        ReadOnlySpan<float> values = _values.Span;
        int size = Type.BitsPerElement() / 8;
        int element = (int)(byteOffset / size);
        int skip = (int)(byteOffset % size);
        Span<byte> one = stackalloc byte[sizeof(double)];
        if (skip > 0)
        {
            ElementConversion.FromSingle(Type, values.Slice(element++, 1), one[..size]);
            int head = Math.Min(size - skip, destination.Length);
            one.Slice(skip, head).CopyTo(destination);
            destination = destination[head..];
        }
        int whole = destination.Length / size;
        ElementConversion.FromSingle(Type, values.Slice(element, whole), destination[..(whole * size)]);
        destination = destination[(whole * size)..];
        if (destination.Length > 0)
        {
            ElementConversion.FromSingle(Type, values.Slice(element + whole, 1), one[..size]);
            one[..destination.Length].CopyTo(destination);
        }
    }

    private protected override void ReadElements(long start, Span<float> destination)
    {
        if (Type is TensorType.F32 or TensorType.F64)
            _values.Span.Slice((int)start, destination.Length).CopyTo(destination);
        else
            base.ReadElements(start, destination);
    }
}
