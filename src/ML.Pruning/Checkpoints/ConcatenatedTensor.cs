namespace ML.Pruning.Checkpoints;

/// <summary>The rows (entries along the first dimension) of several tensors, one after the other.</summary>
public sealed class ConcatenatedTensor : StoredTensor
{
    private readonly StoredTensor[] _parts;
    private readonly long[] _firstElements;

    /// <summary>Joins tensors.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="parts">At least one tensor; same type, same dimensions but for the first.</param>
    /// <exception cref="ArgumentException">There is no part, or types or shapes do not fit together.</exception>
    public ConcatenatedTensor(string name, IReadOnlyList<StoredTensor> parts)
        : base(name, First(parts).Type, Join(parts))
    {
        _parts = [.. parts];
        _firstElements = new long[parts.Count];
        for (int i = 1; i < _parts.Length; i++)
            _firstElements[i] = _firstElements[i - 1] + _parts[i - 1].ElementCount;
    }

    private protected override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        long partStart = 0;
        foreach (StoredTensor part in _parts)
        {
            if (destination.Length == 0)
                return;
            long offset = byteOffset - partStart;
            if (offset < part.ByteLength)
            {
                int count = (int)Math.Min(destination.Length, part.ByteLength - offset);
                part.ReadBytes(offset, destination[..count]);
                destination = destination[count..];
                byteOffset += count;
            }
            partStart += part.ByteLength;
        }
    }

    private protected override void ReadElements(long start, Span<float> destination)
    {
        for (int i = 0; i < _parts.Length && destination.Length > 0; i++)
        {
            long offset = start - _firstElements[i];
            if (offset >= _parts[i].ElementCount)
                continue;
            int count = (int)Math.Min(destination.Length, _parts[i].ElementCount - offset);
            _parts[i].Read(offset, destination[..count]);
            destination = destination[count..];
            start += count;
        }
    }

    private static StoredTensor First(IReadOnlyList<StoredTensor> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return parts.Count > 0 ? parts[0] : throw new ArgumentException("There is nothing to join.", nameof(parts));
    }

    private static long[] Join(IReadOnlyList<StoredTensor> parts)
    {
        StoredTensor first = parts[0];
        foreach (StoredTensor part in parts)
        {
            bool fits = part.Type == first.Type && part.Shape.Count > 0
                && part.Shape.Skip(1).SequenceEqual(first.Shape.Skip(1));
            if (!fits)
            {
                throw new ArgumentException($"Tensor {Show.Quote(part.Name)} ({part.Type.Name()} "
                    + $"{Show.Shape(part.Shape)}) cannot be joined to {Show.Quote(first.Name)} ({first.Type.Name()} "
                    + $"{Show.Shape(first.Shape)}): type and all dimensions but the first must agree.", nameof(parts));
            }
        }
        return [parts.Aggregate(0L, (sum, p) => checked(sum + p.Shape[0])), .. first.Shape.Skip(1)];
    }
}
