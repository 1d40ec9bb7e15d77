using System.Buffers;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>The non-zero elements of a tensor in order, found while reading.</summary>
internal sealed class NonZeroValuesTensor(string name, StoredTensor source, NonZeroIndex index)
    : ElementwiseTensor(name, source.Type, [index.Count])
{
    private protected override void ReadWhole(long first, Span<byte> destination) =>
        index.ReadValues(first, destination);
}

/// <summary>A bit for each element of a tensor: 1 where it is not zero; made while reading.</summary>
internal sealed class NonZeroMaskTensor(string name, StoredTensor source, BitmaskLayout layout)
    : StoredTensor(name, TensorType.U8, [layout.Rows, layout.RowBytes])
{
    private const int PieceElements = 1 << 16;

    private readonly int _elementBytes = source.Type.BitsPerElement() / 8;

    private protected override void ReadRaw(long byteOffset, Span<byte> destination)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceElements * _elementBytes);
        try
        {
            while (destination.Length > 0)
            {
                int done = ReadPiece(byteOffset, destination, buffer);
                byteOffset += done;
                destination = destination[done..];
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // The elements behind consecutive mask bytes are consecutive, also from one row to the next.
    private int ReadPiece(long byteOffset, Span<byte> destination, byte[] buffer)
    {
        int maskBytes = Math.Min(destination.Length, PieceElements / 8);
        long first = FirstElement(byteOffset);
        int count = (int)(FirstElement(byteOffset + maskBytes) - first);
        Span<byte> elements = buffer.AsSpan(0, count * _elementBytes);
        source.ReadBytes(first * _elementBytes, elements);
        Span<byte> mask = destination[..maskBytes];
        long byteInRow = byteOffset % layout.RowBytes;
        switch (_elementBytes)
        {
            case 1:
                Pack<byte>(elements, mask, byteInRow);
                break;
            case 2:
                Pack<ushort>(elements, mask, byteInRow);
                break;
            case 4:
                Pack<uint>(elements, mask, byteInRow);
                break;
            default:
                Pack<ulong>(elements, mask, byteInRow);
                break;
        }
        return maskBytes;
    }

    private void Pack<T>(ReadOnlySpan<byte> elements, Span<byte> mask, long byteInRow)
        where T : unmanaged, IEquatable<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(elements);
        foreach (ref byte packed in mask)
        {
            int count = (int)Math.Min(8, layout.Columns - byteInRow * 8);
            int bits = 0;
            for (int bit = 0; bit < count; bit++)
                bits |= (values[bit].Equals(default) ? 0 : 1) << bit;
            packed = (byte)bits;
            values = values[count..];
            byteInRow = byteInRow + 1 == layout.RowBytes ? 0 : byteInRow + 1;
        }
    }

    private long FirstElement(long maskByte)
    {
        (long row, long byteInRow) = Math.DivRem(maskByte, layout.RowBytes);
        return row * layout.Columns + byteInRow * 8;
    }
}
