using System.Buffers.Binary;
using System.Numerics;

namespace ML.Pruning.Checkpoints;

/// <summary>How the elements of a tensor map to the bits of its mask.</summary>
/// <remarks>A tensor [..., columns] is seen as rows x columns. Each row of the mask fills whole bytes: bit i of byte b
/// stands for column 8 b + i, and the bits above the last column are 0.</remarks>
internal readonly record struct BitmaskLayout(long Rows, long Columns)
{
    /// <summary>Bytes of one row of the mask.</summary>
    public long RowBytes => Columns / 8 + (Columns % 8 == 0 ? 0 : 1);

    /// <summary>Bytes of the mask.</summary>
    public long MaskBytes => Rows * RowBytes;

    /// <summary>The layout of a shape of one dimension or more, or null if it has too many elements.</summary>
    public static BitmaskLayout? Of(IReadOnlyList<long> shape)
    {
        long columns = shape[^1];
        long? rows = StoredTensor.CountElements([.. shape.Take(shape.Count - 1)]);
        if (rows is null || columns < 0)
            return null;
        var layout = new BitmaskLayout(rows.Value, columns);
        bool fits = (UInt128)(ulong)layout.Rows * (ulong)layout.RowBytes <= long.MaxValue;
        return fits ? layout : null;
    }

    /// <summary>The bits of a mask byte that stand for columns.</summary>
    public byte UsedBits(long byteInRow)
    {
        long columns = Columns - byteInRow * 8;
        return columns >= 8 ? byte.MaxValue : (byte)((1 << (int)columns) - 1);
    }

    /// <summary>The number of set bits.</summary>
    public static long CountOnes(ReadOnlySpan<byte> bytes)
    {
        long ones = 0;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            ones += BitOperations.PopCount(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte b in bytes)
            ones += BitOperations.PopCount(b);
        return ones;
    }
}
