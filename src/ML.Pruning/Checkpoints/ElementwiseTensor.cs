namespace ML.Pruning.Checkpoints;

/// <summary>A tensor that is read in whole elements; takes care of pieces that start or end inside one.</summary>
public abstract class ElementwiseTensor : StoredTensor
{
    /// <summary>Checks and keeps name, type and shape.</summary>
    /// <exception cref="ArgumentException">Elements are not whole bytes, or the shape is impossible.</exception>
    private protected ElementwiseTensor(string name, TensorType type, IReadOnlyList<long> shape)
        : base(name, type, shape)
    {
        if (type.BitsPerElement() % 8 != 0)
        {
            throw new ArgumentException(
                $"Tensor {Show.Quote(name)}: {type.Name()} elements are not whole bytes, so it cannot be a view.",
                nameof(type));
        }
        ElementBytes = type.BitsPerElement() / 8;
    }

    /// <summary>Bytes of one element: 1, 2, 4 or 8.</summary>
    private protected int ElementBytes { get; }

    /// <summary>Reads whole elements from <paramref name="first"/> on; at least one.</summary>
    private protected abstract void ReadWhole(long first, Span<byte> destination);

    private protected sealed override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        long first = byteOffset / ElementBytes;
        int skip = (int)(byteOffset % ElementBytes);
        if (skip > 0)
        {
            int head = Math.Min(ElementBytes - skip, destination.Length);
            ReadPart(first++, skip, destination[..head]);
            destination = destination[head..];
        }
        int tail = destination.Length % ElementBytes;
        Span<byte> whole = destination[..^tail];
        if (whole.Length > 0)
            ReadWhole(first, whole);
        if (tail > 0)
            ReadPart(first + whole.Length / ElementBytes, 0, destination[^tail..]);
    }

    private void ReadPart(long element, int skip, Span<byte> destination)
    {
        Span<byte> one = stackalloc byte[sizeof(ulong)];
        ReadWhole(element, one[..ElementBytes]);
        one.Slice(skip, destination.Length).CopyTo(destination);
    }
}
