using System.Buffers;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>The transpose of a two-dimensional tensor.</summary>
/// <remarks>A read goes once through all rows of the source, whatever its length up to a few megabytes: read big
/// pieces.</remarks>
public sealed class TransposedTensor : ElementwiseTensor
{
    private readonly StoredTensor _source;

    /// <summary>Transposes a tensor [rows, columns] to [columns, rows].</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="source">The tensor [rows, columns].</param>
    /// <exception cref="ArgumentException">The tensor has not two dimensions, or its elements are not whole bytes.
    /// </exception>
    public TransposedTensor(string name, StoredTensor source)
        : base(name, (source ?? throw new ArgumentNullException(nameof(source))).Type, Swap(source)) =>
        _source = source;

    private protected override void ReadWhole(long first, Span<byte> destination) =>
        Gather(first, destination, ElementBytes, asSingle: false);

    private protected override void ReadElements(long start, Span<float> destination) =>
        Gather(start, MemoryMarshal.AsBytes(destination), sizeof(float), asSingle: true);

    /// <summary>Reads elements [first, first + n) of the transpose: for each source row one run of columns.</summary>
    private void Gather(long first, Span<byte> destination, int size, bool asSingle)
    {
        long rows = _source.Shape[0];
        long columns = _source.Shape[1];
        long count = destination.Length / size;
        long firstColumn = first / rows;
        long lastColumn = (first + count - 1) / rows;
        int run = checked((int)(lastColumn - firstColumn + 1));
        byte[] buffer = ArrayPool<byte>.Shared.Rent(checked(run * size));
        try
        {
            Span<byte> columnRun = buffer.AsSpan(0, run * size);
            (long rowStart, long rowEnd) = run == 1 ? (first % rows, first % rows + count) : (0, rows);
            for (long row = rowStart; row < rowEnd; row++)
            {
                long element = row * columns + firstColumn;
                if (asSingle)
                    _source.Read(element, MemoryMarshal.Cast<byte, float>(columnRun));
                else
                    _source.ReadBytes(element * size, columnRun);
                long target = firstColumn * rows + row - first;
                Scatter(columnRun, destination, size, target, rows);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Scatter(ReadOnlySpan<byte> run, Span<byte> destination, int size, long target, long step)
    {
        switch (size)
        {
            case 1:
                Scatter<byte>(run, destination, target, step);
                break;
            case 2:
                Scatter<short>(run, destination, target, step);
                break;
            case 4:
                Scatter<int>(run, destination, target, step);
                break;
            default:
                Scatter<long>(run, destination, target, step);
                break;
        }
    }

    private static void Scatter<T>(ReadOnlySpan<byte> run, Span<byte> destination, long target, long step)
        where T : unmanaged
    {
        Span<T> elements = MemoryMarshal.Cast<byte, T>(destination);
        foreach (T value in MemoryMarshal.Cast<byte, T>(run))
        {
            if (target >= 0 && target < elements.Length)
                elements[(int)target] = value;
            target += step;
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
