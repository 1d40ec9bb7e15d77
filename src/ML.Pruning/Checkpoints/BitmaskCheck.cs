using System.Buffers;
using System.Buffers.Binary;

namespace ML.Pruning.Checkpoints;

/// <summary>One pass over a mask: checks it against the values and row offsets, and counts its ones.</summary>
internal static class BitmaskCheck
{
    private const int OffsetsPerRead = 4096;

    /// <summary>Runs the checks; memory is one count for each block and two buffers of a few pages.</summary>
    /// <returns>For each block of the mask the number of ones before it.</returns>
    /// <exception cref="CheckpointFormatException">The parts do not fit together.</exception>
    public static long[] Run(
        string name,
        StoredTensor values,
        StoredTensor bitmask,
        BitmaskLayout layout,
        StoredTensor? rowOffsets,
        int blockBytes)
    {
        string tensor = $"Compressed tensor {Show.Quote(name)}";
        if (rowOffsets is not null && (rowOffsets.Type != TensorType.I64 || rowOffsets.ElementCount != layout.Rows))
        {
            throw new CheckpointFormatException($"{tensor}: row_offsets is {rowOffsets.Type.Name()} "
                + $"{Show.Shape(rowOffsets.Shape)}, not I64 with an entry for each of {layout.Rows} rows.");
        }
        long blocks = layout.MaskBytes / blockBytes + 1;
        long[] onesBefore = new long[blocks];
        byte[] mask = ArrayPool<byte>.Shared.Rent(blockBytes);
        byte[] offsets = ArrayPool<byte>.Shared.Rent(OffsetsPerRead * sizeof(long));
        try
        {
            long ones = 0;
            for (long block = 0; block < blocks; block++)
            {
                onesBefore[block] = ones;
                long start = block * blockBytes;
                Span<byte> piece = mask.AsSpan(0, (int)Math.Min(blockBytes, layout.MaskBytes - start));
                bitmask.ReadBytes(start, piece);
                CheckRows(tensor, piece, start, ones, layout, rowOffsets, offsets);
                ones += BitmaskLayout.CountOnes(piece);
            }
            if (ones != values.ElementCount)
            {
                throw new CheckpointFormatException(
                    $"{tensor}: the bitmask has {ones} ones, but there are {values.ElementCount} values.");
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(mask);
            ArrayPool<byte>.Shared.Return(offsets);
        }
        if (layout.RowBytes == 0 && rowOffsets is not null)
            CheckNoColumns(tensor, rowOffsets);
        return onesBefore;
    }

    // For the rows that begin in this piece of the mask: their offsets; for those that end in it: the unused bits.
    private static void CheckRows(
        string tensor,
        ReadOnlySpan<byte> piece,
        long start,
        long ones,
        BitmaskLayout layout,
        StoredTensor? rowOffsets,
        byte[] buffer)
    {
        int position = 0;
        long bufferedEnd = -1;
        long bufferedStart = 0;
        while (position < piece.Length)
        {
            (long row, long byteInRow) = Math.DivRem(start + position, layout.RowBytes);
            if (byteInRow == 0 && rowOffsets is not null)
            {
                if (row >= bufferedEnd)
                {
                    bufferedStart = row;
                    bufferedEnd = Math.Min(row + OffsetsPerRead, layout.Rows);
                    rowOffsets.ReadBytes(
                        row * sizeof(long), buffer.AsSpan(0, (int)(bufferedEnd - row) * sizeof(long)));
                }
                int index = (int)(row - bufferedStart) * sizeof(long);
                long offset = BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(index));
                if (offset != ones)
                {
                    throw new CheckpointFormatException(
                        $"{tensor}: row {row} has the offset {offset}, but the bitmask has {ones} ones before it.");
                }
            }
            int length = (int)Math.Min(layout.RowBytes - byteInRow, piece.Length - position);
            ReadOnlySpan<byte> part = piece.Slice(position, length);
            bool endsHere = byteInRow + length == layout.RowBytes;
            if (endsHere && (part[^1] & ~layout.UsedBits(layout.RowBytes - 1)) != 0)
            {
                throw new CheckpointFormatException(
                    $"{tensor}: row {row} of the bitmask has ones beyond its {layout.Columns} columns.");
            }
            ones += BitmaskLayout.CountOnes(part);
            position += length;
        }
    }

    private static void CheckNoColumns(string tensor, StoredTensor rowOffsets)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(OffsetsPerRead * sizeof(long));
        try
        {
            for (long position = 0; position < rowOffsets.ByteLength;)
            {
                Span<byte> piece = buffer.AsSpan(
                    0, (int)Math.Min(OffsetsPerRead * sizeof(long), rowOffsets.ByteLength - position));
                rowOffsets.ReadBytes(position, piece);
                if (piece.ContainsAnyExcept((byte)0))
                    throw new CheckpointFormatException($"{tensor} has no columns, but row_offsets that are not 0.");
                position += piece.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
