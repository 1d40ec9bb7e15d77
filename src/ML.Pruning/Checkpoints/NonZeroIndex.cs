using System.Buffers;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>Where the non-zero elements of a tensor stand: one pass counts them for each 65536 elements.</summary>
/// <remarks>An element is zero if all its bits are: -0 is kept, so that the round trip is exact to the bit.</remarks>
internal sealed class NonZeroIndex
{
    private const int BlockElements = 1 << 16;

    private readonly StoredTensor _source;
    private readonly int _elementBytes;
    private readonly long[] _countBeforeBlock;

    /// <summary>Counts; also gives the count before each row.</summary>
    public NonZeroIndex(StoredTensor source, BitmaskLayout layout, CancellationToken cancellationToken)
    {
        _source = source;
        _elementBytes = source.Type.BitsPerElement() / 8;
        _countBeforeBlock = new long[source.ElementCount / BlockElements + 2];
        RowOffsets = new long[layout.Rows];
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockElements * _elementBytes);
        try
        {
            long count = 0;
            for (int block = 0; block < _countBeforeBlock.Length - 1; block++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                _countBeforeBlock[block] = count;
                ReadOnlySpan<byte> elements = ReadBlock(block, buffer);
                count = CountRows((long)block * BlockElements, elements, layout.Columns, count);
            }
            _countBeforeBlock[^1] = count;
            Count = count;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The number of non-zero elements.</summary>
    public long Count { get; }

    /// <summary>For each row the number of non-zero elements before it.</summary>
    public long[] RowOffsets { get; }

    /// <summary>Reads non-zero elements [first, first + n) in order.</summary>
    public void ReadValues(long first, Span<byte> destination)
    {
        int block = Array.BinarySearch(_countBeforeBlock, first);
        block = block < 0 ? ~block - 1 : block;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BlockElements * _elementBytes);
        try
        {
            for (; destination.Length > 0; block++)
            {
                int kept = Compact(ReadBlock(block, buffer));
                int skip = (int)Math.Min(kept, first - _countBeforeBlock[block]);
                int bytes = Math.Min((kept - skip) * _elementBytes, destination.Length);
                buffer.AsSpan(skip * _elementBytes, bytes).CopyTo(destination);
                destination = destination[bytes..];
                first += bytes / _elementBytes;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Adds up the non-zero elements of a run.</summary>
    public static int CountNonZero(ReadOnlySpan<byte> elements, int elementBytes) => elementBytes switch
    {
        1 => elements.Length - elements.Count((byte)0),
        2 => CountNonZero<ushort>(elements),
        4 => CountNonZero<uint>(elements),
        _ => CountNonZero<ulong>(elements),
    };

    private static int CountNonZero<T>(ReadOnlySpan<byte> elements)
        where T : unmanaged, IEquatable<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(elements);
        return values.Length - values.Count(default(T));
    }

    private long CountRows(long start, ReadOnlySpan<byte> elements, long columns, long count)
    {
        long end = start + elements.Length / _elementBytes;
        for (long position = start; position < end;)
        {
            (long row, long column) = Math.DivRem(position, columns);
            if (column == 0)
                RowOffsets[row] = count;
            int length = (int)Math.Min(columns - column, end - position);
            int from = (int)(position - start) * _elementBytes;
            count += CountNonZero(elements.Slice(from, length * _elementBytes), _elementBytes);
            position += length;
        }
        return count;
    }

    private Span<byte> ReadBlock(int block, byte[] buffer)
    {
        long start = (long)block * BlockElements;
        int count = (int)Math.Min(BlockElements, _source.ElementCount - start);
        Span<byte> elements = buffer.AsSpan(0, count * _elementBytes);
        _source.ReadBytes(start * _elementBytes, elements);
        return elements;
    }

    private int Compact(Span<byte> elements) => _elementBytes switch
    {
        1 => Compact<byte>(elements),
        2 => Compact<ushort>(elements),
        4 => Compact<uint>(elements),
        _ => Compact<ulong>(elements),
    };

    // Moves the non-zero elements to the front, without a branch for each.
    private static int Compact<T>(Span<byte> elements)
        where T : unmanaged, IEquatable<T>
    {
        Span<T> values = MemoryMarshal.Cast<byte, T>(elements);
        int kept = 0;
        foreach (T value in values)
        {
            values[kept] = value;
            kept += value.Equals(default) ? 0 : 1;
        }
        return kept;
    }
}
