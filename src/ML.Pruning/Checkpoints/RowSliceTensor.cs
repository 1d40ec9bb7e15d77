namespace ML.Pruning.Checkpoints;

/// <summary>Some consecutive rows (entries along the first dimension) of a tensor.</summary>
public sealed class RowSliceTensor : StoredTensor
{
    private readonly StoredTensor _source;
    private readonly long _firstElement;
    private readonly long _firstByte;

    /// <summary>Takes rows [start, start + count).</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The tensor; at least one dimension.</param>
    /// <param name="start">The first row.</param>
    /// <param name="count">How many rows.</param>
    /// <exception cref="ArgumentException">The tensor is a scalar, or rows of a packed type share a byte.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The rows are not all inside the tensor.</exception>
    public RowSliceTensor(string name, StoredTensor source, long start, long count)
        : base(name, (source ?? throw new ArgumentNullException(nameof(source))).Type, Slice(source, start, count))
    {
        long rowElements = source.Shape[0] == 0 ? 0 : source.ElementCount / source.Shape[0];
        _source = source;
        _firstElement = start * rowElements;
        _firstByte = TensorTypes.ByteLength(Type, _firstElement) ?? throw new ArgumentException(
            $"Tensor {Show.Quote(source.Name)}: row {start} of {Type.Name()} does not start at a whole byte.",
            nameof(start));
    }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
        _source.ReadBytes(_firstByte + byteOffset, destination);

    private protected override void ReadElements(long start, Span<float> destination) =>
        _source.Read(_firstElement + start, destination);

    private static long[] Slice(StoredTensor source, long start, long count)
    {
        if (source.Shape.Count == 0)
            throw new ArgumentException($"Tensor {Show.Quote(source.Name)} is a scalar without rows.", nameof(source));
        if (start < 0 || count < 0 || start > source.Shape[0] - count)
        {
            throw new ArgumentOutOfRangeException(nameof(start), start,
                $"Tensor {Show.Quote(source.Name)}: {count} rows from there are not in [0, {source.Shape[0]}).");
        }
        return [count, .. source.Shape.Skip(1)];
    }
}
