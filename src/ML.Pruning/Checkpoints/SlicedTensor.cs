using System.Buffers;

namespace ML.Pruning.Checkpoints;

/// <summary>Chosen rows and columns of a matrix, or chosen elements of a vector.</summary>
internal sealed class SlicedTensor : ElementwiseTensor
{
    private const int MaxSpanBytes = 1 << 22;

    private readonly StoredTensor _source;
    private readonly int[]? _rows;
    private readonly int[]? _columns;
    private readonly long _sourceColumns;

    /// <summary>Chooses rows and columns.</summary>
    /// <param name="source">A vector or a matrix; its name is kept.</param>
    /// <param name="rows">Rows (or elements) in ascending order; null = all.</param>
    /// <param name="columns">Columns in ascending order; null = all. Of a vector always null.</param>
    public SlicedTensor(StoredTensor source, int[]? rows, int[]? columns)
        : base(source.Name, source.Type, Choose(source, rows, columns))
    {
        _source = source;
        _rows = rows;
        _columns = columns;
        _sourceColumns = source.Shape.Count == 2 ? source.Shape[1] : 1;
    }

    private protected override int CopyBytes => MaxSpanBytes;

    // Several source rows at a time: views such as a transposed tensor read big pieces best.
    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        long width = _columns?.Length ?? _sourceColumns;
        long row = first / width, end = (first + destination.Length / ElementBytes - 1) / width + 1;
        while (row < end)
        {
            long last = row + 1, start = SourceRow(row);
            while (last < end && (SourceRow(last) - start + 1) * _sourceColumns * ElementBytes <= MaxSpanBytes) last++;
            int length = checked((int)((SourceRow(last - 1) - start + 1) * _sourceColumns * ElementBytes));
            byte[] buffer = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                _source.ReadBytes(start * _sourceColumns * ElementBytes, buffer.AsSpan(0, length));
                for (; row < last; row++)
                {
                    long offset = (SourceRow(row) - start) * _sourceColumns * ElementBytes;
                    int from = (int)Math.Max(first - row * width, 0);
                    int count = (int)Math.Min(width - from, destination.Length / ElementBytes);
                    CopyRow(buffer.AsSpan((int)offset), from, destination[..(count * ElementBytes)]);
                    destination = destination[(count * ElementBytes)..];
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private long SourceRow(long row) => _rows is null ? row : _rows[row];

    // Chosen columns from a place on, run by run.
    private void CopyRow(ReadOnlySpan<byte> source, int from, Span<byte> destination)
    {
        if (_columns is null)
        {
            source.Slice(from * ElementBytes, destination.Length).CopyTo(destination);
            return;
        }

        ReadOnlySpan<int> columns = _columns.AsSpan(from, destination.Length / ElementBytes);
        for (int i = 0, run; i < columns.Length; i += run)
        {
            for (run = 1; i + run < columns.Length && columns[i + run] == columns[i] + run;) run++;
            source.Slice(columns[i] * ElementBytes, run * ElementBytes).CopyTo(destination[(i * ElementBytes)..]);
        }
    }

    private static long[] Choose(StoredTensor source, int[]? rows, int[]? columns)
    {
        if (source.Shape.Count is < 1 or > 2 || source.Shape.Count == 1 && columns is not null)
        {
            throw new ArgumentException($"Tensor {Show.Quote(source.Name)} of shape {Show.Shape(source.Shape)} has no "
                + "such rows and columns.", nameof(source));
        }

        long height = rows?.Length ?? source.Shape[0];
        return source.Shape.Count == 1 ? [height] : [height, columns?.Length ?? source.Shape[1]];
    }
}
