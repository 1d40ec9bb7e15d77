namespace ML.Pruning.Checkpoints;

/// <summary>A tensor of float32 values in memory, stored in a type of choice.</summary>
/// <remarks>Values are rounded to the type, to nearest even, on reading: <see cref="StoredTensor.Read"/> gives what a
/// file written from this tensor would give. The values are not copied: do not change them afterwards.</remarks>
public sealed class ArrayTensor : ElementwiseTensor
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

    private protected override void ReadWhole(long first, Span<byte> destination) =>
        ElementConversion.FromSingle(
            Type, _values.Span.Slice((int)first, destination.Length / ElementBytes), destination);

    private protected override void ReadElements(long start, Span<float> destination)
    {
        if (Type is TensorType.F32 or TensorType.F64)
            _values.Span.Slice((int)start, destination.Length).CopyTo(destination);
        else
            base.ReadElements(start, destination);
    }
}
