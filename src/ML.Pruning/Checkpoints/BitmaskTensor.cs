using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>The dense view of a sparse tensor: its non-zero values in order, and a bit for each element.</summary>
/// <remarks>The <c>sparse-bitmask</c> format of the compressed-tensors library; <see cref="BitmaskCodec"/> writes it.
/// Any piece can be read without expanding the rest: a running count of the mask's ones, one entry for every 4096 bytes
/// of the mask, is made when the tensor is opened.</remarks>
public sealed class BitmaskTensor : ElementwiseTensor
{
    private const int BlockBytes = 4096;

    private readonly StoredTensor _values;
    private readonly StoredTensor _mask;
    private readonly BitmaskLayout _layout;
    private readonly long[] _onesBeforeBlock;

    /// <summary>Opens a group and reads its mask once to check it.</summary>
    /// <param name="name">The name of the dense view.</param>
    /// <param name="values">The kept elements in row-major order; any shape.</param>
    /// <param name="bitmask">The mask, U8 [rows, ceil(columns / 8)], lowest bit first.</param>
    /// <param name="shape">The dense dimensions, at least one; the last one is the columns.</param>
    /// <param name="rowOffsets">I64 [rows]: how many values stand before each row; or null.</param>
    /// <exception cref="CheckpointFormatException">The parts do not fit together.</exception>
    public BitmaskTensor(
        string name,
        StoredTensor values,
        StoredTensor bitmask,
        IReadOnlyList<long> shape,
        StoredTensor? rowOffsets = null)
        : base(name, CheckParts(name, values, bitmask, shape), shape)
    {
        _values = values;
        _mask = bitmask;
        _layout = BitmaskLayout.Of(Shape)!.Value;
        _onesBeforeBlock = BitmaskCheck.Run(name, values, bitmask, _layout, rowOffsets, BlockBytes);
    }

    /// <summary>The number of values that are stored.</summary>
    public long StoredCount => _values.ElementCount;

    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        byte[] mask = ArrayPool<byte>.Shared.Rent(BlockBytes);
        byte[] values = ArrayPool<byte>.Shared.Rent((BlockBytes * 8 + 1) * ElementBytes);
        try
        {
            long rank = CountBefore(first, mask);
            while (destination.Length > 0)
            {
                int done = ReadBlock(first, ref rank, mask, values, destination);
                first += done;
                destination = destination[(done * ElementBytes)..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(mask);
            ArrayPool<byte>.Shared.Return(values);
        }
    }

    // How many values stand before an element.
    private long CountBefore(long element, byte[] buffer)
    {
        (long row, long column) = Math.DivRem(element, _layout.Columns);
        long maskByte = row * _layout.RowBytes + column / 8;
        long block = maskByte / BlockBytes;
        Span<byte> before = buffer.AsSpan(0, (int)(maskByte - block * BlockBytes));
        _mask.ReadBytes(block * BlockBytes, before);
        Span<byte> last = stackalloc byte[1];
        _mask.ReadBytes(maskByte, last);
        int lowerBits = last[0] & ((1 << (int)(column % 8)) - 1);
        return _onesBeforeBlock[block] + BitmaskLayout.CountOnes(before) + BitOperations.PopCount((uint)lowerBits);
    }

    // Expands what one buffer of mask bytes stands for; returns the number of elements.
    private int ReadBlock(long first, ref long rank, byte[] maskBuffer, byte[] valueBuffer, Span<byte> destination)
    {
        (long row, long column) = Math.DivRem(first, _layout.Columns);
        long maskByte = row * _layout.RowBytes + column / 8;
        Span<byte> mask = maskBuffer.AsSpan(0, (int)Math.Min(BlockBytes, _layout.MaskBytes - maskByte));
        _mask.ReadBytes(maskByte, mask);
        mask[0] &= (byte)(byte.MaxValue << (int)(column % 8));
        int ones = (int)BitmaskLayout.CountOnes(mask);
        // Never more than the destination takes: a short read must not fetch the values of a whole block.
        ones = Math.Min(ones, destination.Length / ElementBytes);
        Span<byte> values = valueBuffer.AsSpan(0, (ones + 1) * ElementBytes);
        _values.ReadBytes(rank * ElementBytes, values[..^ElementBytes]);
        int used = 0;
        int elements = ElementBytes switch
        {
            1 => Expand<byte>(mask, column, values, destination, ref used),
            2 => Expand<ushort>(mask, column, values, destination, ref used),
            4 => Expand<uint>(mask, column, values, destination, ref used),
            _ => Expand<ulong>(mask, column, values, destination, ref used),
        };
        rank += used;
        return elements;
    }

    private int Expand<T>(
        ReadOnlySpan<byte> mask, long column, ReadOnlySpan<byte> values, Span<byte> destination, ref int used)
        where T : unmanaged, IBinaryInteger<T>
    {
        ReadOnlySpan<T> source = MemoryMarshal.Cast<byte, T>(values);
        Span<T> target = MemoryMarshal.Cast<byte, T>(destination);
        int length = target.Length;
        while (mask.Length > 0 && target.Length > 0)
        {
            int firstBit = (int)(column % 8);
            long inRow = Math.Min(_layout.Columns - column, target.Length);
            int taken;
            if (firstBit == 0 && inRow >= 8)
            {
                int bytes = (int)Math.Min(inRow / 8, mask.Length);
                ExpandWholeBytes(mask[..bytes], source, target, ref used);
                mask = mask[bytes..];
                taken = bytes * 8;
            }
            else
            {
                taken = (int)Math.Min(8 - firstBit, inRow);
                for (int bit = 0; bit < taken; bit++)
                    target[bit] = (mask[0] >> (firstBit + bit) & 1) == 0 ? T.Zero : source[used++];
                mask = mask[1..];
            }
            target = target[taken..];
            column = column + taken == _layout.Columns ? 0 : column + taken;
        }
        return length - target.Length;
    }

    // Without a branch for each bit: a value is taken each time and masked. There is one more value than ones.
    private static void ExpandWholeBytes<T>(
        ReadOnlySpan<byte> mask, ReadOnlySpan<T> source, Span<T> target, ref int used)
        where T : unmanaged, IBinaryInteger<T>
    {
        int next = used;
        foreach (byte bits in mask)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                int one = bits >> bit & 1;
                target[bit] = source[next] & T.CreateTruncating(-one);
                next += one;
            }
            target = target[8..];
        }
        used = next;
    }

    private static TensorType CheckParts(
        string name, StoredTensor values, StoredTensor bitmask, IReadOnlyList<long> shape)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(values);
        ArgumentNullException.ThrowIfNull(bitmask);
        ArgumentNullException.ThrowIfNull(shape);
        string tensor = $"Compressed tensor {Show.Quote(name)}";
        long? elements = StoredTensor.CountElements(shape);
        BitmaskLayout? layout = shape.Count == 0 || elements is null ? null : BitmaskLayout.Of(shape);
        if (layout is null || TensorTypes.ByteLength(values.Type, elements!.Value) is null)
        {
            throw new CheckpointFormatException($"{tensor}: shape {Show.Shape(shape)} has no dimension, a negative "
                + "one, or too many elements.");
        }
        if (values.Type.BitsPerElement() % 8 != 0)
        {
            throw new CheckpointFormatException(
                $"{tensor}: values of the packed type {values.Type.Name()} have no bitmask form.");
        }
        if (bitmask.Type != TensorType.U8 || bitmask.ByteLength != layout.Value.MaskBytes)
        {
            throw new CheckpointFormatException($"{tensor} of shape {Show.Shape(shape)}: the bitmask is "
                + $"{bitmask.Type.Name()} {Show.Shape(bitmask.Shape)}, not U8 with {layout.Value.MaskBytes} bytes.");
        }
        return values.Type;
    }
}
