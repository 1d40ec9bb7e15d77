using System.Numerics;
using System.Runtime.InteropServices;

namespace ML.Pruning.Kernels;

/// <summary>The streams of a packed matrix whose header and counts have been checked.</summary>
/// <remarks>Whatever the bytes are, nothing outside of them is read: a damaged matrix is refused by
/// <see cref="Open"/>.</remarks>
internal readonly ref struct PackedReader
{
    private PackedReader(PackedShape shape, long kept, PackedLayout layout, ReadOnlySpan<byte> bytes)
    {
        Shape = shape;
        Kept = kept;
        Offsets = MemoryMarshal.Cast<byte, uint>(Part(bytes, layout.Offsets, shape.OffsetsCount * sizeof(uint)));
        Scales = Part(bytes, layout.Scales, shape.ScalesBytes);
        Index = bytes[(int)layout.Index..(int)layout.Values];
        Values = bytes[(int)layout.Values..(int)layout.Total];
    }

    public PackedShape Shape { get; }

    public long Kept { get; }

    /// <summary>Bitmask: where a group's values begin, in 64 bytes. Block: its first vector. CSR: a row's first
    /// weight.</summary>
    public ReadOnlySpan<uint> Offsets { get; }

    public ReadOnlySpan<byte> Scales { get; }

    public ReadOnlySpan<byte> Index { get; }

    public ReadOnlySpan<byte> Values { get; }

    /// <summary>Checks the bytes and finds their parts.</summary>
    /// <exception cref="PackedFormatException">They are damaged.</exception>
    public static PackedReader Open(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < PackedHeader.Size + PackedLayout.TailBytes)
            throw Damaged("the size", bytes.Length, PackedHeader.Size + PackedLayout.TailBytes);
        PackedHeader header = MemoryMarshal.Read<PackedHeader>(bytes);
        Expect("the magic number", header.Magic, PackedHeader.ExpectedMagic);
        Expect("the format version", header.Version, PackedHeader.ExpectedVersion);
        Expect("a reserved field", header.Reserved0 | header.Reserved1 | header.Reserved2 | header.Reserved3, 0);
        var shape = new PackedShape(
            (PackedFormat)header.Format, (PackedType)header.Type, (int)Math.Min(header.Rows, int.MaxValue),
            (int)Math.Min(header.Columns, int.MaxValue));
        if (shape.Fault() is { } fault)
            throw new PackedFormatException($"The packed matrix is damaged: {fault}. Pack it again.");
        if (header.Bytes > (ulong)bytes.Length)
            throw Damaged("the size in the header", (long)header.Bytes, bytes.Length);
        if (header.Kept > (ulong)shape.Groups * PackedShape.GroupRows * (ulong)shape.PaddedColumns)
            throw Damaged("the count of kept weights", (long)header.Kept, (long)shape.Rows * shape.Columns);

        (long index, long values) = StreamBytes(shape, header);
        if (values < 0)
            throw Damaged("the place of the values", header.ValuesAt, 0);
        PackedLayout layout = PackedLayout.Of(shape, index, values);
        Expect("the place of the offsets", header.OffsetsAt, layout.Offsets / PackedLayout.Alignment);
        Expect("the place of the scales", header.ScalesAt, layout.Scales / PackedLayout.Alignment);
        Expect("the place of the sums", header.SumsAt, layout.Sums / PackedLayout.Alignment);
        Expect("the place of the index", header.IndexAt, layout.Index / PackedLayout.Alignment);
        Expect("the place of the values", header.ValuesAt, layout.Values / PackedLayout.Alignment);
        Expect("the size in the header", (long)header.Bytes, layout.Total);
        var reader = new PackedReader(shape, (long)header.Kept, layout, bytes);
        reader.CheckCounts(values);
        return reader;
    }

    // Bytes of the index and of the values, as the header's counts have them.
    private static (long Index, long Values) StreamBytes(PackedShape shape, PackedHeader header)
    {
        long kept = (long)header.Kept;
        long blocks = kept / shape.VectorElements;
        return shape.Format switch
        {
            PackedFormat.Dense => (0, (long)shape.Groups * shape.Vectors * shape.VectorBytes),
            PackedFormat.Bitmask => ((long)shape.Groups * shape.Vectors * shape.MaskBytes,
                (long)header.Bytes - PackedLayout.TailBytes - (long)header.ValuesAt * PackedLayout.Alignment),
            PackedFormat.Block => (blocks * sizeof(ushort),
                shape.Type == PackedType.Int4 ? (blocks + 1) / 2 * 64 : blocks * 64),
            _ => (kept * sizeof(ushort), kept * sizeof(float)),
        };
    }

    private void CheckCounts(long valueBytes)
    {
        switch (Shape.Format)
        {
            case PackedFormat.Dense:
                Expect("the count of kept weights", Kept, (long)Shape.Rows * Shape.Columns);
                break;
            case PackedFormat.Bitmask:
                CheckMasks(valueBytes);
                break;
            case PackedFormat.Block:
                Expect("the count of kept weights", Kept % Shape.VectorElements, 0);
                CheckLists(Shape.Groups, Kept / Shape.VectorElements, Shape.Vectors);
                break;
            default:
                CheckLists(Shape.Groups * PackedShape.GroupRows, Kept, Shape.Columns);
                break;
        }
    }

    private void CheckMasks(long valueBytes)
    {
        long at = 0;
        long total = 0;
        int width = Shape.Vectors * Shape.MaskBytes;
        for (int group = 0; group < Shape.Groups; group++)
        {
            Expect($"the offset of group {group}", Offsets[group], at);
            ReadOnlySpan<byte> masks = Index.Slice(group * width, width);
            long even = 0;
            long odd = 0;
            for (int i = 0; i < masks.Length; i++)
            {
                int count = BitOperations.PopCount(masks[i]);
                if ((i / Shape.MaskBytes & 1) == 0)
                    even += count;
                else
                    odd += count;
            }

            total += even + odd;
            long bytes = Shape.Type == PackedType.Int4 ? Math.Max(even, odd) : (even + odd) * Shape.ValueBytes;
            at += PackedLayout.AlignUp(bytes) / PackedLayout.Alignment;
        }

        Expect($"the offset of group {Shape.Groups}", Offsets[Shape.Groups], at);
        Expect("the size of the values", valueBytes, at * PackedLayout.Alignment);
        Expect("the count of kept weights", Kept, total);
    }

    private void CheckLists(int lists, long count, int limit)
    {
        ReadOnlySpan<ushort> index = MemoryMarshal.Cast<byte, ushort>(Index);
        Expect("the offset of list 0", Offsets[0], 0);
        Expect($"the offset of list {lists}", Offsets[lists], count);
        for (int list = 0; list < lists; list++)
        {
            long begin = Offsets[list];
            long end = Offsets[list + 1];
            if (end < begin || end > count || end - begin > limit)
                throw Damaged($"the offset of list {list + 1}", end, begin);
            for (long i = begin; i < end; i++)
                if (index[(int)i] >= limit || (i > begin && index[(int)i] <= index[(int)i - 1]))
                    throw Damaged($"the index {i}", index[(int)i], limit - 1);
        }
    }

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> bytes, long at, long count) =>
        bytes.Slice((int)at, (int)count);

    private static void Expect(string what, long got, long wanted)
    {
        if (got != wanted)
            throw Damaged(what, got, wanted);
    }

    private static PackedFormatException Damaged(string what, long got, long wanted) =>
        new($"The packed matrix is damaged: {what} is {got}, not {wanted}. Pack it again.");
}
