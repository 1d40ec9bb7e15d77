using System.Buffers;
using System.Runtime.InteropServices;

namespace ML.Pruning.Checkpoints;

/// <summary>A matrix on an integer grid: reads as float32 weights, is stored as codes and scales.</summary>
/// <remarks>
/// <para>weight[row, column] = code[row, column] * scale[row, column / group size], in float32. The type is F32, and
/// the raw bytes are those of the weights: everything that takes a dense tensor takes this one.
/// <see cref="QuantizedCodec"/> stores codes and scales in their place.</para>
/// <para>Views keep the grid: <see cref="StoredTensor.Renamed"/> and <see cref="SliceRows"/> yield such tensors again.
/// </para>
/// </remarks>
public sealed class QuantizedTensor : ElementwiseTensor
{
    private const int PieceElements = 1 << 16;

    private readonly int _rows;
    private readonly int _columns;
    private readonly int _groups;
    private readonly int _groupColumns;

    /// <summary>Puts codes and scales together.</summary>
    /// <param name="name">The name.</param>
    /// <param name="codes">I8 [rows, columns].</param>
    /// <param name="scales">F32, F16 or BF16 [rows, <see cref="WeightGrid.Groups"/>]; read once to check them.</param>
    /// <param name="grid">The grid.</param>
    /// <exception cref="CheckpointFormatException">A type or shape does not fit, or a scale is not positive, not
    /// finite, or so large that a weight would not be finite.</exception>
    public QuantizedTensor(string name, StoredTensor codes, StoredTensor scales, WeightGrid grid)
        : base(name, TensorType.F32, CheckParts(name, codes, scales, grid))
    {
        Codes = codes;
        Scales = scales;
        Grid = grid;
        _rows = (int)Shape[0];
        _columns = (int)Shape[1];
        _groups = grid.Groups(_columns);
        _groupColumns = grid.GroupColumns(_columns);
        CheckScales();
    }

    /// <summary>The grid.</summary>
    public WeightGrid Grid { get; }

    /// <summary>The codes, I8 [rows, columns].</summary>
    public StoredTensor Codes { get; }

    /// <summary>The scales [rows, groups].</summary>
    public StoredTensor Scales { get; }

    /// <summary>Puts codes and scales in memory together. Nothing is copied: do not change them afterwards.</summary>
    /// <param name="name">The name.</param>
    /// <param name="columns">Columns.</param>
    /// <param name="codes">Codes [rows, columns], row-major, from -MaxCode to MaxCode; one byte each, signed.</param>
    /// <param name="scales">Scales [rows, <see cref="WeightGrid.Groups"/>], row-major; they are rounded to the grid's
    /// type, so use <see cref="Quantizer.Scale"/>, which gives exact ones.</param>
    /// <param name="grid">The grid.</param>
    /// <returns>The tensor.</returns>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    /// <exception cref="CheckpointFormatException">A scale is out of range.</exception>
    public static QuantizedTensor Of(
        string name, int columns, ReadOnlyMemory<byte> codes, ReadOnlyMemory<float> scales, WeightGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        int rows = codes.Length / columns;
        return new QuantizedTensor(name, new BytesTensor(name, codes, [rows, columns], TensorType.I8),
            new ArrayTensor(name, scales, [rows, grid.Groups(columns)], grid.ScaleType), grid);
    }

    /// <inheritdoc/>
    public override StoredTensor Renamed(string name) =>
        name == Name ? this : new QuantizedTensor(name, this, Codes, Scales);

    /// <summary>Some consecutive rows, on the same grid.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="start">The first row.</param>
    /// <param name="count">How many rows.</param>
    /// <exception cref="ArgumentOutOfRangeException">The rows are not all inside the tensor.</exception>
    public QuantizedTensor SliceRows(string name, long start, long count) => new(name, this,
        new RowSliceTensor(Codes.Name, Codes, start, count), new RowSliceTensor(Scales.Name, Scales, start, count));

    /// <summary>The same scales with other codes, for example with some removed.</summary>
    /// <param name="codes">I8 of the same shape.</param>
    /// <exception cref="CheckpointFormatException">Type or shape differ.</exception>
    public QuantizedTensor WithCodes(StoredTensor codes) => new(Name, codes, Scales, Grid);

    /// <summary>The tensors below each other, on their common grid.</summary>
    /// <param name="name">The name of the view.</param>
    /// <param name="parts">At least one; the same grid, columns and type of scales.</param>
    /// <returns>The tensor, or null if they have no grid in common.</returns>
    internal static QuantizedTensor? TryJoinRows(string name, IReadOnlyList<StoredTensor> parts)
    {
        QuantizedTensor[] quantized = [.. parts.OfType<QuantizedTensor>()];
        bool alike = quantized.Length == parts.Count && quantized.All(q => q.Grid == quantized[0].Grid
            && q.Scales.Type == quantized[0].Scales.Type && q._columns == quantized[0]._columns);
        return alike
            ? new QuantizedTensor(name, quantized[0],
                new ConcatenatedTensor(name, [.. quantized.Select(q => q.Codes)]),
                new ConcatenatedTensor(name, [.. quantized.Select(q => q.Scales)]))
            : null;
    }

    /// <summary>The weights as an ordinary dense tensor, F32.</summary>
    public StoredTensor Dequantized() => new ReshapedTensor(Name, this, Shape);

    // Views of a checked tensor are not checked again.
    private QuantizedTensor(string name, QuantizedTensor source, StoredTensor codes, StoredTensor scales)
        : base(name, TensorType.F32, codes.Shape)
    {
        Codes = codes;
        Scales = scales;
        Grid = source.Grid;
        _rows = (int)codes.Shape[0];
        _columns = source._columns;
        _groups = source._groups;
        _groupColumns = source._groupColumns;
    }

    private protected override void ReadWhole(long first, Span<byte> destination)
    {
        float[] buffer = ArrayPool<float>.Shared.Rent(PieceElements);
        try
        {
            while (destination.Length > 0)
            {
                int count = Math.Min(PieceElements, destination.Length / sizeof(float));
                Span<float> piece = buffer.AsSpan(0, count);
                ReadElements(first, piece);
                MemoryMarshal.AsBytes(piece).CopyTo(destination);
                destination = destination[(count * sizeof(float))..];
                first += count;
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private protected override void ReadElements(long start, Span<float> destination)
    {
        byte[] codes = ArrayPool<byte>.Shared.Rent(PieceElements);
        float[] scales = ArrayPool<float>.Shared.Rent(Math.Min(_rows, PieceElements / _columns + 2) * _groups);
        try
        {
            while (destination.Length > 0)
            {
                int count = Math.Min(PieceElements, destination.Length);
                ReadPiece(start, codes.AsSpan(0, count), scales, destination[..count]);
                destination = destination[count..];
                start += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(codes);
            ArrayPool<float>.Shared.Return(scales);
        }
    }

    private void ReadPiece(long start, Span<byte> codeBytes, float[] scaleBuffer, Span<float> destination)
    {
        long firstRow = start / _columns;
        int column = (int)(start % _columns);
        int rows = (int)((start + destination.Length - 1) / _columns - firstRow) + 1;
        Codes.ReadBytes(start, codeBytes);
        ReadOnlySpan<sbyte> codes = MemoryMarshal.Cast<byte, sbyte>(codeBytes);
        Span<float> scales = scaleBuffer.AsSpan(0, rows * _groups);
        Scales.Read(firstRow * _groups, scales);
        for (int row = 0; row < rows; row++, column = 0)
        {
            while (column < _columns && codes.Length > 0)
            {
                int group = column / _groupColumns;
                int end = (int)Math.Min((group + 1L) * _groupColumns, _columns);
                int count = Math.Min(end - column, codes.Length);
                Quantizer.Dequantize(codes[..count], scales[row * _groups + group], destination);
                codes = codes[count..];
                destination = destination[count..];
                column += count;
            }
        }
    }

    private void CheckScales()
    {
        float largest = Quantizer.LargestScale(Grid);
        float[] buffer = ArrayPool<float>.Shared.Rent((int)Math.Min(Scales.ElementCount, PieceElements));
        try
        {
            for (long start = 0; start < Scales.ElementCount; start += buffer.Length)
            {
                Span<float> piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, Scales.ElementCount - start));
                Scales.Read(start, piece);
                for (int i = 0; i < piece.Length; i++)
                {
                    if (piece[i] > 0 && piece[i] <= largest)
                        continue;
                    (long row, long group) = Math.DivRem(start + i, _groups);
                    throw new CheckpointFormatException($"Quantised tensor {Show.Quote(Name)}: the scale at "
                        + $"[{row}, {group}] is {piece[i]}; scales must be in (0, {largest}].");
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private static IReadOnlyList<long> CheckParts(
        string name, StoredTensor codes, StoredTensor scales, WeightGrid grid)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(scales);
        ArgumentNullException.ThrowIfNull(grid);
        string tensor = $"Quantised tensor {Show.Quote(name)}";
        bool isMatrix = codes.Type == TensorType.I8 && codes.Shape.Count == 2
            && codes.Shape.All(d => d is >= 1 and <= int.MaxValue);
        if (!isMatrix)
        {
            throw new CheckpointFormatException($"{tensor}: the codes are {codes.Type.Name()} "
                + $"{Show.Shape(codes.Shape)}, not an I8 matrix.");
        }
        long[] expected = [codes.Shape[0], grid.Groups((int)codes.Shape[1])];
        bool fits = scales.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16
            && scales.Shape.SequenceEqual(expected);
        if (!fits)
        {
            throw new CheckpointFormatException($"{tensor} of shape {Show.Shape(codes.Shape)} on the grid {grid}: the "
                + $"scales are {scales.Type.Name()} {Show.Shape(scales.Shape)}, not F32, F16 or BF16 "
                + $"{Show.Shape(expected)}.");
        }
        return codes.Shape;
    }
}
