namespace ML.Pruning.Checkpoints;

/// <summary>A matrix or vector of which chosen rows and columns read as zero.</summary>
internal sealed class ZeroedTensor : ElementwiseTensor
{
    private readonly StoredTensor _source;
    private readonly bool[]? _rows;
    private readonly int[] _columns;
    private readonly long _width;

    /// <summary>Zeroes rows and columns.</summary>
    /// <param name="source">A vector or a matrix; its name is kept.</param>
    /// <param name="rows">Whether a row (or an element) reads as zero; null = none.</param>
    /// <param name="columns">Whether a column reads as zero; null = none.</param>
    public ZeroedTensor(StoredTensor source, bool[]? rows, bool[]? columns)
        : base(source.Name, source.Type, source.Shape)
    {
        _source = source;
        _rows = rows;
        _columns = columns is null ? [] : [.. Enumerable.Range(0, columns.Length).Where(c => columns[c])];
        _width = source.Shape.Count == 2 ? source.Shape[1] : 1;
    }

    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        _source.ReadBytes(first * ElementBytes, destination);
        while (destination.Length > 0)
        {
            long row = first / _width;
            int column = (int)(first % _width);
            int count = (int)Math.Min(destination.Length / ElementBytes, _width - column);
            Span<byte> piece = destination[..(count * ElementBytes)];
            if (_rows is not null && _rows[row])
            {
                piece.Clear();
            }
            else
            {
                foreach (int c in _columns)
                {
                    if (c >= column && c < column + count)
                        piece.Slice((c - column) * ElementBytes, ElementBytes).Clear();
                }
            }

            destination = destination[piece.Length..];
            first += count;
        }
    }
}
