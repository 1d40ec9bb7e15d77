namespace ML.Pruning.Checkpoints;

/// <summary>The elements of a tensor in the same order under another shape.</summary>
public sealed class ReshapedTensor : StoredTensor
{
    private readonly StoredTensor _source;

    /// <summary>Gives a tensor another shape.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The tensor.</param>
    /// <param name="shape">The new dimensions; the product stays the same.</param>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public ReshapedTensor(string name, StoredTensor source, IReadOnlyList<long> shape)
        : base(name, (source ?? throw new ArgumentNullException(nameof(source))).Type, shape)
    {
        if (ElementCount != source.ElementCount)
        {
            throw new ArgumentException($"Tensor {Show.Quote(source.Name)} of shape {Show.Shape(source.Shape)} cannot "
                + $"take the shape {Show.Shape(shape)}: the number of elements differs.", nameof(shape));
        }
        _source = source;
    }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination) =>
        _source.ReadBytes(byteOffset, destination);

    private protected override void ReadElements(long start, Span<float> destination) =>
        _source.Read(start, destination);
}
