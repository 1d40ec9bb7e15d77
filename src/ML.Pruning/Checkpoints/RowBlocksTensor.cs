namespace ML.Pruning.Checkpoints;

/// <summary>A tensor of equal blocks of rows (entries along the first dimension), each found somewhere in other
/// tensors: how projections that a checkpoint interleaves head by head are taken apart and put together.</summary>
public sealed class RowBlocksTensor : StoredTensor
{
    private readonly StoredTensor[] _sources;
    private readonly long _blockElements;
    private readonly long _blockBytes;
    private readonly Func<long, (int Source, long Block)> _find;

    private RowBlocksTensor(string name, StoredTensor[] sources, long rows, long blockRows,
        Func<long, (int Source, long Block)> find)
        : base(name, sources[0].Type, [rows, .. sources[0].Shape.Skip(1)])
    {
        _sources = sources;
        _find = find;
        _blockElements = blockRows * (rows == 0 ? 0 : ElementCount / rows);
        _blockBytes = TensorTypes.ByteLength(Type, _blockElements) ?? throw new ArgumentException(
            $"Tensor {Show.Quote(name)}: blocks of {blockRows} rows of {Type.Name()} do not fill whole bytes.",
            nameof(blockRows));
    }

    /// <summary>Takes every n-th block.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The tensor.</param>
    /// <param name="blockRows">Rows in a block, at least 1.</param>
    /// <param name="every">n, at least 1; the tensor's rows are a multiple of n blocks.</param>
    /// <param name="first">The first block, less than n.</param>
    /// <returns>A view of a n-th of the rows.</returns>
    /// <exception cref="ArgumentException">The rows are not such a multiple, or blocks of a packed type share a
    /// byte.</exception>
    public static RowBlocksTensor Take(string name, StoredTensor source, int blockRows, int every, int first)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockRows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(first, every);
        if (source.Shape.Count == 0 || source.Shape[0] % ((long)blockRows * every) != 0)
        {
            throw new ArgumentException($"Tensor {Show.Quote(source.Name)} has shape {Show.Shape(source.Shape)}; its "
                + $"rows must be a multiple of {every} blocks of {blockRows}.", nameof(source));
        }

        return new RowBlocksTensor(
            name, [source], source.Shape[0] / every, blockRows, block => (0, block * every + first));
    }

    /// <summary>Puts tensors together block by block: the first block of each, then the second of each, and so
    /// on.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="sources">At least one tensor; same type, same shape.</param>
    /// <param name="blockRows">Rows in a block, at least 1; divides the rows.</param>
    /// <returns>A view of all rows.</returns>
    /// <exception cref="ArgumentException">Types or shapes differ, the rows are not whole blocks, or blocks of a packed
    /// type share a byte.</exception>
    public static RowBlocksTensor Interleave(string name, IReadOnlyList<StoredTensor> sources, int blockRows)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentOutOfRangeException.ThrowIfLessThan(blockRows, 1);
        StoredTensor first = sources.Count > 0
            ? sources[0]
            : throw new ArgumentException("There is nothing to interleave.", nameof(sources));
        foreach (StoredTensor source in sources)
        {
            if (source.Type == first.Type && source.Shape.Count > 0 && source.Shape.SequenceEqual(first.Shape)
                && source.Shape[0] % blockRows == 0) continue;
            throw new ArgumentException($"Tensor {Show.Quote(source.Name)} ({source.Type.Name()} "
                + $"{Show.Shape(source.Shape)}) cannot be interleaved with {Show.Quote(first.Name)} "
                + $"({first.Type.Name()} {Show.Shape(first.Shape)}) in blocks of {blockRows} rows: types and shapes "
                + "must agree, and rows be whole blocks.", nameof(sources));
        }

        int count = sources.Count;
        return new RowBlocksTensor(name, [.. sources], count * first.Shape[0], blockRows,
            block => ((int)(block % count), block / count));
    }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        while (destination.Length > 0)
        {
            (long block, long offset) = Math.DivRem(byteOffset, _blockBytes);
            int count = (int)Math.Min(destination.Length, _blockBytes - offset);
            (int source, long sourceBlock) = _find(block);
            _sources[source].ReadBytes(sourceBlock * _blockBytes + offset, destination[..count]);
            destination = destination[count..];
            byteOffset += count;
        }
    }

    private protected override void ReadElements(long start, Span<float> destination)
    {
        while (destination.Length > 0)
        {
            (long block, long offset) = Math.DivRem(start, _blockElements);
            int count = (int)Math.Min(destination.Length, _blockElements - offset);
            (int source, long sourceBlock) = _find(block);
            _sources[source].Read(sourceBlock * _blockElements + offset, destination[..count]);
            destination = destination[count..];
            start += count;
        }
    }
}
