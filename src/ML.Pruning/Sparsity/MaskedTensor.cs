using System.Numerics;
using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Sparsity;

/// <summary>A tensor with a mask over it: removed weights read as 0, kept ones as they are, bit by bit.</summary>
public sealed class MaskedTensor : StoredTensor
{
    private readonly StoredTensor _source;
    private readonly WeightMask _mask;
    private readonly int _elementBytes;

    /// <summary>Lays a mask over a tensor.</summary>
    /// <param name="source">A matrix; its name is kept.</param>
    /// <param name="mask">A mask of the same shape.</param>
    /// <exception cref="ArgumentException">The shapes differ, or elements are no whole bytes.</exception>
    public MaskedTensor(StoredTensor source, WeightMask mask)
        : base(source?.Name ?? "", source?.Type ?? TensorType.F32, source?.Shape ?? [])
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(mask);
        if (MatrixShape.Of(source) != (mask.Rows, mask.Columns))
        {
            throw new ArgumentException($"Tensor '{source.Name}' has shape [{string.Join(", ", source.Shape)}]; the "
                + $"mask is of [{mask.Rows}, {mask.Columns}].", nameof(mask));
        }

        int bits = source.Type.BitsPerElement();
        if (bits % 8 != 0)
        {
            throw new ArgumentException($"Tensor '{source.Name}' has elements of {bits} bits; masks need whole bytes.",
                nameof(source));
        }

        _source = source;
        _mask = mask;
        _elementBytes = bits / 8;
    }

    /// <summary>Lays a mask over a tensor; one on an integer grid stays on it.</summary>
    /// <param name="source">A matrix; its name is kept.</param>
    /// <param name="mask">A mask of the same shape.</param>
    /// <exception cref="ArgumentException">The shapes differ, or elements are no whole bytes.</exception>
    public static StoredTensor Over(StoredTensor source, WeightMask mask) => source is QuantizedTensor quantized
        ? quantized.WithCodes(new MaskedTensor(quantized.Codes, mask))
        : new MaskedTensor(source, mask);

    private protected override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        _source.ReadBytes(byteOffset, destination);
        long first = byteOffset / _elementBytes;
        long end = (byteOffset + destination.Length + _elementBytes - 1) / _elementBytes;
        for (long element = first; element < end;)
        {
            // One row at a time.
            int row = (int)(element / _mask.Columns), column = (int)(element % _mask.Columns);
            int count = (int)Math.Min(end - element, _mask.Columns - column);
            ReadOnlySpan<ulong> words = _mask.GetRow(row);
            long start = element * _elementBytes - byteOffset;
            bool whole = start >= 0 && start + (long)count * _elementBytes <= destination.Length;
            if (whole && _elementBytes == sizeof(ushort))
                Clear(MemoryMarshal.Cast<byte, ushort>(destination[(int)start..])[..count], words, column);
            else if (whole && _elementBytes == sizeof(uint))
                Clear(MemoryMarshal.Cast<byte, uint>(destination[(int)start..])[..count], words, column);
            else
                ClearBytes(destination, start, count, words, column);
            element += count;
        }
    }

    // Without branches: what goes is as good as random.
    private static void Clear<T>(Span<T> values, ReadOnlySpan<ulong> words, int firstColumn)
        where T : IBinaryInteger<T>
    {
        for (int i = 0; i < values.Length; i++)
        {
            int column = firstColumn + i;
            values[i] &= T.Zero - T.CreateTruncating(words[column >> 6] >> (column & 63) & 1);
        }
    }

    private void ClearBytes(Span<byte> destination, long start, int count, ReadOnlySpan<ulong> words, int firstColumn)
    {
        for (int i = 0; i < count; i++, start += _elementBytes)
        {
            if (WeightMask.IsKept(words, firstColumn + i)) continue;
            int from = (int)Math.Max(start, 0), to = (int)Math.Min(start + _elementBytes, destination.Length);
            destination[from..to].Clear();
        }
    }
}
