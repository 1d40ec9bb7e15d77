using System.Buffers;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>The transpose of a two-dimensional tensor.</summary>
/// <remarks>A read goes once through all rows of the source, whatever its length up to a few megabytes: read big
/// pieces.</remarks>
public sealed class TransposedTensor : ElementwiseTensor
{
    private const int TileRows = 32;
    private const int MaxTileBytes = 1 << 22;
    private const int MaxGathered = 1 << 28;

    private readonly StoredTensor _source;

    /// <summary>Transposes a tensor [rows, columns] to [columns, rows].</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The tensor [rows, columns].</param>
    /// <exception cref="ArgumentException">The tensor has not two dimensions, or its elements are not whole bytes.
    /// </exception>
    public TransposedTensor(string name, StoredTensor source)
        : base(name, (source ?? throw new ArgumentNullException(nameof(source))).Type, Swap(source)) =>
        _source = source;

    private protected override int CopyBytes => 1 << 22;

    private protected override void ReadWhole(long first, Span<byte> destination) =>
        Gather(first, destination, ElementBytes, asSingle: false);

    private protected override void ReadElements(long start, Span<float> destination)
    {
        for (int done = 0; done < destination.Length; done += MaxGathered)
        {
            Span<float> piece = destination.Slice(done, Math.Min(MaxGathered, destination.Length - done));
            Gather(start + done, MemoryMarshal.AsBytes(piece), sizeof(float), asSingle: true);
        }
    }

    /// <summary>Reads elements [first, first + n) of the transpose: a run of columns of a few source rows at a time.
    /// </summary>
    private void Gather(long first, Span<byte> destination, int size, bool asSingle)
    {
        long rows = _source.Shape[0];
        long columns = _source.Shape[1];
        long count = destination.Length / size;
        long firstColumn = first / rows;
        long lastColumn = (first + count - 1) / rows;
        int run = checked((int)(lastColumn - firstColumn + 1));
        (long rowStart, long rowEnd) = run == 1 ? (first % rows, first % rows + count) : (0, rows);
        int tileRows = (int)Math.Clamp(MaxTileBytes / ((long)run * size), 1, TileRows);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(checked(tileRows * run * size));
        try
        {
            for (long row = rowStart; row < rowEnd; row += tileRows)
            {
                int inTile = (int)Math.Min(tileRows, rowEnd - row);
                for (int i = 0; i < inTile; i++)
                {
                    Span<byte> columnRun = buffer.AsSpan(i * run * size, run * size);
                    long element = (row + i) * columns + firstColumn;
                    if (asSingle)
                        _source.Read(element, MemoryMarshal.Cast<byte, float>(columnRun));
                    else
                        _source.ReadBytes(element * size, columnRun);
                }
                ReadOnlySpan<byte> tile = buffer.AsSpan(0, inTile * run * size);
                Scatter(tile, run, destination, size, firstColumn * rows + row - first, rows);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Scatter(
        ReadOnlySpan<byte> tile, int run, Span<byte> destination, int size, long target, long rows)
    {
        switch (size)
        {
            case 1:
                Scatter<byte>(tile, run, destination, target, rows);
                break;
            case 2:
                Scatter<short>(tile, run, destination, target, rows);
                break;
            case 4:
                Scatter<int>(tile, run, destination, target, rows);
                break;
            default:
                Scatter<long>(tile, run, destination, target, rows);
                break;
        }
    }

    // Each column of the tile becomes a consecutive piece; only the first and the last may lie partly outside.
    private static void Scatter<T>(
        ReadOnlySpan<byte> tile, int run, Span<byte> destination, long target, long rows)
        where T : unmanaged
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(tile);
        Span<T> elements = MemoryMarshal.Cast<byte, T>(destination);
        int inTile = values.Length / run;
        for (int column = 0; column < run; column++, target += rows)
        {
            int from = (int)Math.Clamp(-target, 0, inTile);
            int to = (int)Math.Clamp(elements.Length - target, from, inTile);
            for (int i = from; i < to; i++)
                elements[(int)(target + i)] = values[i * run + column];
        }
    }

    private static long[] Swap(StoredTensor source)
    {
        if (source.Shape.Count != 2)
        {
            throw new ArgumentException($"Tensor {Show.Quote(source.Name)} of shape {Show.Shape(source.Shape)} has not "
                + "two dimensions; it cannot be transposed.", nameof(source));
        }
        return [source.Shape[1], source.Shape[0]];
    }
}
