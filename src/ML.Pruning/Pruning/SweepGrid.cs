using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>The integer grid on which a sweep puts the weights that stay, column by column.</summary>
/// <remarks>A scale is taken where its group of columns starts. Different rows may be worked on at once.</remarks>
internal sealed class SweepGrid
{
    private readonly WeightGrid _grid;
    private readonly int _columns;
    private readonly int _groups;
    private readonly byte[] _codes;
    private readonly float[] _scales;
    private readonly (double Change, double Weight, long NewZeros)[] _sums;

    /// <summary>Starts with codes of 0.</summary>
    public SweepGrid(WeightGrid grid, int rows, int columns)
    {
        _grid = grid;
        _columns = columns;
        _groups = grid.Groups(columns);
        GroupColumns = grid.GroupColumns(columns);
        _codes = new byte[(long)rows * columns];
        _scales = new float[(long)rows * _groups];
        _sums = new (double, double, long)[rows];
    }

    /// <summary>Columns that share a scale.</summary>
    public int GroupColumns { get; }

    /// <summary>Bytes that it holds, for a tensor.</summary>
    public static long Bytes(int rows, int columns) => (long)rows * columns + sizeof(double) * 4L * rows;

    /// <summary>Whether the columns of a scale never straddle the start of a block of a sweep, or else are whole
    /// blocks.</summary>
    public static bool Fits(WeightGrid grid, int columns, int blockSize)
    {
        int width = grid.GroupColumns(columns);
        return width >= columns || blockSize % width == 0 || width % blockSize == 0;
    }

    /// <summary>Takes the scale of the group of a row that starts at a column.</summary>
    /// <param name="row">Row.</param>
    /// <param name="column">First column of the group.</param>
    /// <param name="values">What the group's weights would become without rounding, as far as they lie in the current
    /// block.</param>
    /// <param name="beyond">The group's weights after the current block.</param>
    /// <param name="words">The row's mask, as far as it is known; what is removed does not count.</param>
    public void StartGroup(
        int row, int column, ReadOnlySpan<double> values, ReadOnlySpan<double> beyond, ReadOnlySpan<ulong> words)
    {
        double largest = Math.Max(Largest(values, words, column), Largest(beyond, words, column + values.Length));
        _scales[row * _groups + column / GroupColumns] = Quantizer.ScaleOfLargest((float)largest, _grid);
    }

    /// <summary>Puts a weight on the nearest point.</summary>
    /// <returns>The point.</returns>
    public double Round(int row, int column, double value)
    {
        float scale = _scales[row * _groups + column / GroupColumns];
        sbyte code = Quantizer.Quantize((float)value, scale, _grid);
        double point = Quantizer.Dequantize(code, scale);
        _codes[row * _columns + column] = (byte)code;
        (double change, double weight, long zeros) = _sums[row];
        double moved = value - point;
        _sums[row] = (change + moved * moved, weight + value * value, code == 0 ? zeros + 1 : zeros);
        return point;
    }

    /// <summary>The whole matrix on the grid.</summary>
    public GridRounding ToRounding(string name)
    {
        double weight = Math.Sqrt(_sums.Sum(s => s.Weight));
        return new GridRounding(QuantizedTensor.Of(name, _columns, _codes, _scales, _grid),
            weight == 0 ? 0 : Math.Sqrt(_sums.Sum(s => s.Change)) / weight, _sums.Sum(s => s.NewZeros));
    }

    private static double Largest(ReadOnlySpan<double> values, ReadOnlySpan<ulong> words, int firstColumn)
    {
        double largest = 0;
        for (int i = 0; i < values.Length; i++)
            if (WeightMask.IsKept(words, firstColumn + i)) largest = Math.Max(largest, Math.Abs(values[i]));
        return largest;
    }
}
