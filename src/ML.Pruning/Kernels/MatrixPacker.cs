namespace ML.Pruning.Kernels;

/// <summary>Packs a matrix some rows at a time, so that no more than those need to be in memory as floats.</summary>
/// <remarks>Not thread-safe.</remarks>
public sealed class MatrixPacker : IDisposable
{
    private readonly PackedShape _shape;
    private readonly IMatrixPacker _packer;
    private int _rowsIn;

    /// <summary>Starts a matrix.</summary>
    /// <param name="format">What is stored.</param>
    /// <param name="type">How.</param>
    /// <param name="rows">Output features, 1 to 16777216.</param>
    /// <param name="columns">Input features, 1 to 131072; 65536 for CSR and blocks of float32.</param>
    /// <exception cref="ArgumentException">These do not go together.</exception>
    public MatrixPacker(PackedFormat format, PackedType type, int rows, int columns)
        : this(format, type, rows, columns, KernelLibrary.IsNative)
    {
    }

    internal MatrixPacker(PackedFormat format, PackedType type, int rows, int columns, bool native)
    {
        _shape = new PackedShape(format, type, rows, columns);
        if (_shape.Fault() is { } fault)
            throw new ArgumentException($"A matrix of {rows} x {columns} cannot be packed: {fault}.");
        _packer = native ? new NativePacker(_shape) : new ManagedPacker(_shape);
    }

    /// <summary>Adds the next rows.</summary>
    /// <param name="weights">Whole rows [count, columns], row-major: a multiple of 16 rows, or all that are
    /// left.</param>
    /// <param name="scales">Int8: one for each row. Int4: ceil(columns / 64) for each row, exact in bfloat16. Empty:
    /// the largest magnitude over the largest code, as <see cref="Checkpoints.Quantizer"/> has it.</param>
    /// <exception cref="ArgumentException">Other numbers of weights or scales.</exception>
    public void Add(ReadOnlySpan<float> weights, ReadOnlySpan<float> scales = default)
    {
        int count = weights.Length / _shape.Columns;
        int left = _shape.Rows - _rowsIn;
        if (count * _shape.Columns != weights.Length || count < 1 || count > left
            || (count % PackedShape.GroupRows != 0 && count != left))
            throw new ArgumentException(
                $"{weights.Length} weights are no rows of {_shape.Columns} that can follow: {left} rows are left, and "
                + "all but the last come in sixteens.", nameof(weights));
        int rowScales = _shape.Type switch { PackedType.Int8 => 1, PackedType.Int4 => _shape.Blocks, _ => 0 };
        if (!scales.IsEmpty && scales.Length != count * rowScales)
            throw new ArgumentException(
                $"{scales.Length} scales are given for {count} rows of {rowScales} scales each.", nameof(scales));
        _packer.Add(weights, count, scales);
        _rowsIn += count;
    }

    /// <summary>The packed matrix, once all rows are in.</summary>
    /// <returns>A matrix of its own; the packer is no longer needed.</returns>
    /// <exception cref="InvalidOperationException">Rows are missing.</exception>
    public unsafe PackedMatrix Finish()
    {
        if (_rowsIn != _shape.Rows)
            throw new InvalidOperationException($"{_rowsIn} of {_shape.Rows} rows are in.");
        PackedMemory memory = PackedMemory.Allocate(_packer.Bytes);
        _packer.Write(memory.Pointer, memory.Length);
        return new PackedMatrix(memory);
    }

    /// <inheritdoc/>
    public void Dispose() => _packer.Dispose();
}
