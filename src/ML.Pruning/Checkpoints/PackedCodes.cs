using System.Buffers;
using System.Buffers.Binary;

namespace ML.Pruning.Checkpoints;

/// <summary>How 4-bit codes stand in 32-bit words: those of a row eight to a word, the first one lowest, each with 8
/// added; a row starts a new word, and what is left over in its last word is 0.</summary>
internal static class PackedCodes
{
    /// <summary>Codes in a word.</summary>
    public const int PerWord = 8;

    private const int Offset = 8;

    /// <summary>Words of a row.</summary>
    public static long Words(long columns) => columns / PerWord + (columns % PerWord == 0 ? 0 : 1);

    /// <summary>The code at a place of a word.</summary>
    public static sbyte Unpack(uint word, int place) => (sbyte)((int)(word >> (4 * place) & 0xF) - Offset);

    /// <summary>At most eight codes as a word.</summary>
    public static uint Pack(ReadOnlySpan<byte> codes)
    {
        uint word = 0;
        for (int i = 0; i < codes.Length; i++)
            word |= (uint)((sbyte)codes[i] + Offset & 0xF) << (4 * i);
        return word;
    }
}

/// <summary>Codes [rows, columns] as I8, read from packed words I32 [rows, ceil(columns / 8)].</summary>
internal sealed class UnpackedCodesTensor(string name, StoredTensor packed, long rows, long columns)
    : ElementwiseTensor(name, TensorType.I8, [rows, columns])
{
    private const int PieceWords = 1 << 13;

    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceWords * sizeof(uint));
        try
        {
            while (destination.Length > 0)
            {
                // A run inside one row at a time.
                (long row, long column) = Math.DivRem(first, columns);
                long word = column / PackedCodes.PerWord;
                long most = (word + PieceWords) * PackedCodes.PerWord - column;
                int count = (int)Math.Min(Math.Min(destination.Length, columns - column), most);
                long words = PackedCodes.Words(column + count) - word;
                Span<byte> piece = buffer.AsSpan(0, (int)words * sizeof(uint));
                packed.ReadBytes((row * PackedCodes.Words(columns) + word) * sizeof(uint), piece);
                Unpack(piece, (int)(column % PackedCodes.PerWord), destination[..count]);
                destination = destination[count..];
                first += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Unpack(ReadOnlySpan<byte> words, int place, Span<byte> codes)
    {
        for (int i = 0; i < codes.Length; i++, place++)
        {
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(words[(place / PackedCodes.PerWord * sizeof(uint))..]);
            codes[i] = (byte)PackedCodes.Unpack(word, place % PackedCodes.PerWord);
        }
    }
}

/// <summary>Packed words I32 [rows, ceil(columns / 8)], made from codes I8 [rows, columns] while reading.</summary>
internal sealed class PackedCodesTensor(string name, StoredTensor codes)
    : ElementwiseTensor(name, TensorType.I32, [codes.Shape[0], PackedCodes.Words(codes.Shape[1])])
{
    private const int PieceCodes = 1 << 16;

    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        long columns = codes.Shape[1];
        long rowWords = PackedCodes.Words(columns);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceCodes);
        try
        {
            while (destination.Length > 0)
            {
                (long row, long word) = Math.DivRem(first, rowWords);
                long column = word * PackedCodes.PerWord;
                int words = (int)Math.Min(
                    Math.Min(destination.Length / sizeof(uint), rowWords - word), PieceCodes / PackedCodes.PerWord);
                Span<byte> piece = buffer.AsSpan(0, (int)Math.Min(words * PackedCodes.PerWord, columns - column));
                codes.ReadBytes(row * columns + column, piece);
                for (int i = 0; i < words; i++)
                {
                    ReadOnlySpan<byte> eight = piece.Slice(
                        i * PackedCodes.PerWord, Math.Min(PackedCodes.PerWord, piece.Length - i * PackedCodes.PerWord));
                    BinaryPrimitives.WriteUInt32LittleEndian(
                        destination[(i * sizeof(uint))..], PackedCodes.Pack(eight));
                }
                destination = destination[(words * sizeof(uint))..];
                first += words;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
