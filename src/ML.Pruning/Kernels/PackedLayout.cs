using System.Runtime.InteropServices;

namespace ML.Pruning.Kernels;

/// <summary>The first 64 bytes of a packed matrix (docs/kernels.md).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct PackedHeader
{
    public const int Size = 64;
    public const uint ExpectedMagic = 0x36315450; // "PT16"
    public const byte ExpectedVersion = 1;

    public uint Magic;
    public byte Version;
    public byte Format;
    public byte Type;
    public byte Reserved0;
    public uint Rows;
    public uint Columns;
    public ulong Bytes;
    public ulong Kept;
    public uint OffsetsAt; // these five in units of 64 bytes
    public uint ScalesAt;
    public uint SumsAt;
    public uint IndexAt;
    public uint ValuesAt;
    public uint Reserved1;
    public uint Reserved2;
    public uint Reserved3;
}

/// <summary>Where the streams of a packed matrix begin, in bytes.</summary>
internal readonly record struct PackedLayout(long Offsets, long Scales, long Sums, long Index, long Values, long Total)
{
    public const int Alignment = 64;
    public const int TailBytes = 64;

    public static PackedLayout Of(PackedShape shape, long indexBytes, long valueBytes)
    {
        long offsets = PackedHeader.Size;
        long scales = AlignUp(offsets + shape.OffsetsCount * sizeof(uint));
        long sums = AlignUp(scales + shape.ScalesBytes);
        long index = AlignUp(sums + shape.SumsBytes);
        long values = AlignUp(index + indexBytes);
        return new PackedLayout(offsets, scales, sums, index, values, AlignUp(values + valueBytes) + TailBytes);
    }

    public static long AlignUp(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}
