namespace ML.Pruning.Kernels;

/// <summary>A matrix W [rows, columns] packed for products with activations on the CPU, and those products.</summary>
/// <remarks>
/// <para>docs/kernels.md has the format. The bytes can be stored and used again in place by the native library, also
/// inside ONNX Runtime.</para>
/// <para>Thread-safe. Dispose it when no product runs any more; its memory is outside of the garbage collector's heap.
/// </para>
/// </remarks>
public sealed class PackedMatrix : IDisposable
{
    private readonly PackedMemory _memory;
    private readonly NativeKernels.MatrixHandle? _native;
    private readonly PackedShape _shape;
    private readonly ActivationGrid? _activations;

    internal PackedMatrix(PackedMemory memory, ActivationGrid? activations = null)
    {
        _memory = memory;
        _activations = activations;
        if (KernelLibrary.IsNative)
        {
            _native = NativeKernels.MatrixHandle.Open(memory);
            NativeKernels.Check(NativeKernels.mlp_matrix_describe(_native, out NativeKernels.MatrixInfo info));
            _shape = new PackedShape((PackedFormat)info.Format, (PackedType)info.Type, info.Rows, info.Columns);
            Kept = info.Kept;
        }
        else
        {
            PackedReader reader = PackedReader.Open(memory.Span);
            _shape = reader.Shape;
            Kept = reader.Kept;
        }

        if (activations is not { } grid)
            return;
        if (Type != PackedType.Int8)
            throw new ArgumentException($"The matrix is of {Type}; only those of Int8 take activations on a grid.");
        if (_native is not null)
            NativeKernels.Check(NativeKernels.mlp_matrix_set_grid(_native, grid.Scale, grid.Lowest, grid.Highest));
    }

    /// <summary>Output features.</summary>
    public int Rows => _shape.Rows;

    /// <summary>Input features.</summary>
    public int Columns => _shape.Columns;

    /// <summary>Which weights are stored.</summary>
    public PackedFormat Format => _shape.Format;

    /// <summary>How they are stored.</summary>
    public PackedType Type => _shape.Type;

    /// <summary>Weights that are stored, zeros inside of kept blocks included.</summary>
    public long Kept { get; }

    /// <summary>Size of the packed bytes.</summary>
    public long SizeBytes => _memory.Length;

    /// <summary>The packed bytes, for storing them; only until this is disposed.</summary>
    /// <exception cref="NotSupportedException">There are more than 2 GiB.</exception>
    public ReadOnlySpan<byte> Bytes => _memory.Span;

    /// <summary>Packs a whole matrix; <see cref="MatrixPacker"/> takes it in parts.</summary>
    /// <param name="weights">W [rows, columns], row-major.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="format">What is stored.</param>
    /// <param name="type">How.</param>
    /// <exception cref="ArgumentException">These do not go together.</exception>
    public static PackedMatrix Pack(
        ReadOnlySpan<float> weights, int rows, int columns, PackedFormat format, PackedType type)
    {
        using var packer = new MatrixPacker(format, type, rows, columns);
        packer.Add(weights);
        return packer.Finish();
    }

    /// <summary>Opens packed bytes, after checking every offset and count in them. They are copied.</summary>
    /// <param name="bytes">What <see cref="Bytes"/> gave.</param>
    /// <param name="activations">For int8: the grid that all activations are on; null = each row of a batch gets one of
    /// its own, with the step max|x| / 127.</param>
    /// <exception cref="ArgumentException">The grid is not legal, or the matrix is not of int8.</exception>
    /// <exception cref="PackedFormatException">They are damaged.</exception>
    public static unsafe PackedMatrix Open(ReadOnlySpan<byte> bytes, ActivationGrid? activations = null)
    {
        if (activations?.Fault() is { } fault)
            throw new ArgumentException($"The grid of activations cannot be used: {fault}.", nameof(activations));
        PackedMemory memory = PackedMemory.Allocate(Math.Max(bytes.Length, 1));
        bytes.CopyTo(new Span<byte>(memory.Pointer, bytes.Length));
        try
        {
            return new PackedMatrix(memory, activations);
        }
        catch (Exception e) when (e is PackedFormatException or ArgumentException)
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>y[b, n] = sum over k of x[b, k] * W[n, k].</summary>
    /// <param name="x">Activations [batch, columns], row-major.</param>
    /// <param name="batch">Rows of x and y, 1 to 65536.</param>
    /// <param name="y">Destination [batch, rows], row-major.</param>
    /// <param name="threads">Who shares the work; null: the calling thread.</param>
    /// <exception cref="ArgumentException">x or y has another length.</exception>
    /// <exception cref="InvalidOperationException"><c>MLPRUNING_ISA</c> names a target that this machine
    /// lacks.</exception>
    public unsafe void Multiply(ReadOnlySpan<float> x, int batch, Span<float> y, KernelThreads? threads = null)
    {
        CheckLengths(x.Length, batch, y.Length);
        if (_native is null)
        {
            MultiplyManaged(x, batch, y);
            return;
        }

        using NativeKernels.PoolHandle? none = threads is null ? new NativeKernels.PoolHandle() : null;
        fixed (float* from = x, to = y)
        {
            if (threads is null)
            {
                NativeKernels.Check(NativeKernels.mlp_run(_native, from, Columns, batch, to, Rows, none!));
                return;
            }

            lock (threads)
                NativeKernels.Check(NativeKernels.mlp_run(_native, from, Columns, batch, to, Rows, threads.Pool));
        }
    }

    /// <summary>The same in C#.</summary>
    internal void MultiplyManaged(ReadOnlySpan<float> x, int batch, Span<float> y)
    {
        CheckLengths(x.Length, batch, y.Length);
        ManagedKernels.Multiply(PackedReader.Open(_memory.Span), x, batch, y, _activations);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _native?.Dispose();
        _memory.Dispose();
    }

    private void CheckLengths(int x, int batch, int y)
    {
        const int MaxBatch = 1 << 16;
        if (batch is < 1 or > MaxBatch)
            throw new ArgumentOutOfRangeException(nameof(batch), batch, $"1 to {MaxBatch} rows make a batch.");
        if (x != (long)batch * Columns || y != (long)batch * Rows)
            throw new ArgumentException(
                $"x has {x} and y {y} elements; {batch} rows of {Columns} and {Rows} are {(long)batch * Columns} and "
                + $"{(long)batch * Rows}.");
    }
}
