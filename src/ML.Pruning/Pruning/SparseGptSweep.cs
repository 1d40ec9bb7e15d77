using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models.Torch;
using ML.Pruning.Sparsity;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace ML.Pruning.Pruning;

/// <summary>One sweep of SparseGPT over the columns of a tensor, in float64.</summary>
/// <remarks>Legend: W weights [rows, columns]; U upper Cholesky factor of the inverse of the damped Hessian; E errors
/// of a block [rows, width]. Rows are independent of each other but for the choice of a tile's mask, so that within a
/// block they run in parallel. Not thread-safe.</remarks>
internal sealed class SparseGptSweep
{
    private readonly string _name;
    private readonly HessianFactor _factor;
    private readonly int _blockSize;
    private readonly CancellationToken _cancellationToken;
    private readonly WeightGrid? _asked;
    private SweepGrid? _grid;

    /// <summary>Prepares a sweep.</summary>
    /// <param name="name">Name of the tensor.</param>
    /// <param name="factor">The factorised Hessian of its input.</param>
    /// <param name="blockSize">Columns of a block.</param>
    /// <param name="grid">The grid on which the weights that stay are put; null = none.</param>
    /// <param name="cancellationToken">Checked between blocks.</param>
    public SparseGptSweep(string name, HessianFactor factor, int blockSize, WeightGrid? grid,
        CancellationToken cancellationToken)
    {
        _name = name;
        _factor = factor;
        _blockSize = blockSize;
        _asked = grid;
        _cancellationToken = cancellationToken;
    }

    /// <summary>Bytes that a sweep holds at most, for a tensor.</summary>
    public static long PeakBytes(int rows, int columns, int blockSize) =>
        SweepGrid.Bytes(rows, columns) + (sizeof(double) + sizeof(float)) * (long)rows * columns
        + (3 * sizeof(double) + sizeof(float)) * (long)rows * Math.Min(columns, blockSize);

    /// <summary>Sweeps.</summary>
    /// <param name="weight">W, row-major; on return the updated weights.</param>
    /// <param name="mask">What stays; on return without what is 0 from the start, and without what was chosen.</param>
    /// <param name="chooser">Chooses more of what goes on the way; null = the mask is complete.</param>
    public WeightUpdateResult Run(float[] weight, WeightMask mask, TileMaskChooser? chooser)
    {
        using var noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int rows = mask.Rows, columns = mask.Columns;
        RemoveZeros(weight, mask);
        _grid = _asked is null ? null : new SweepGrid(_asked, rows, columns);
        Tensor w = ToTensor(weight, rows, columns);
        if (_factor.DeadColumns.Count > 0)
            w.index_fill_(1, tensor([.. _factor.DeadColumns.Select(c => (long)c)], dtype: ScalarType.Int64), 0);
        double squaredError = 0;
        for (int start = 0; start < columns; start += _blockSize)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope blockScope = NewDisposeScope();
            int width = Math.Min(_blockSize, columns - start), end = start + width;
            Tensor u = _factor.Upper(start, width);
            Tensor block = w.narrow(1, start, width).contiguous();
            Tensor errors = zeros([rows, width], dtype: ScalarType.Float64);
            SweepBlock(w, block, errors, u.narrow(1, 0, width), mask, start, chooser);
            squaredError += TensorPrimitives.SumOfSquares<double>(MemoryMarshal.Cast<byte, double>(errors.bytes));
            w.narrow(1, start, width).copy_(block);
            if (end == columns) break;
            using MatrixProducts.Timing timing = MatrixProducts.Time("sweep");
            w.narrow(1, end, columns - end).addmm_(errors, u.narrow(1, width, columns - end), 1, -1);
        }

        FromTensor(w, weight);
        return new WeightUpdateResult(squaredError, _factor.Asked, _factor.Used)
        {
            Rounding = _grid?.ToRounding(_name),
        };
    }

    private static Tensor ToTensor(float[] weight, int rows, int columns)
    {
        Tensor w = empty([rows, columns], dtype: ScalarType.Float64);
        foreach ((int firstRow, int rowCount) in RowChunks.Of(rows, columns))
        {
            using Tensor part = w.narrow(0, firstRow, rowCount);
            TensorPrimitives.ConvertTruncating<float, double>(
                weight.AsSpan(firstRow * columns, rowCount * columns), MemoryMarshal.Cast<byte, double>(part.bytes));
        }

        return w;
    }

    private static void FromTensor(Tensor w, float[] weight)
    {
        int rows = (int)w.shape[0], columns = (int)w.shape[1];
        foreach ((int firstRow, int rowCount) in RowChunks.Of(rows, columns))
        {
            using Tensor part = w.narrow(0, firstRow, rowCount);
            TensorPrimitives.ConvertTruncating<double, float>(
                MemoryMarshal.Cast<byte, double>(part.bytes), weight.AsSpan(firstRow * columns, rowCount * columns));
        }
    }

    // What is 0 from the start stays 0: zeros already there, and the weights of dead columns.
    private void RemoveZeros(float[] weight, WeightMask mask)
    {
        for (int row = 0; row < mask.Rows; row++)
        {
            Span<ulong> words = mask.Words(row);
            ReadOnlySpan<float> values = weight.AsSpan(row * mask.Columns, mask.Columns);
            if (values.Contains(0f))
            {
                for (int column = 0; column < values.Length; column++)
                    if (values[column] == 0) WeightMask.Remove(words, column);
            }

            foreach (int column in _factor.DeadColumns) WeightMask.Remove(words, column);
        }
    }

    private unsafe void SweepBlock(Tensor w, Tensor block, Tensor errors, Tensor upper, WeightMask mask, int start,
        TileMaskChooser? chooser)
    {
        int rows = mask.Rows, width = (int)block.shape[1];
        using Tensor dense = upper.contiguous();
        double[] u = MemoryMarshal.Cast<byte, double>(dense.bytes).ToArray();
        double[] diagonal = [.. Enumerable.Range(0, width).Select(j => u[j * width + j])];
        NofMPattern? groups = chooser?.Pattern as NofMPattern;
        if (chooser is not null && groups is null) ChooseTile(chooser, block, diagonal, mask, start);
        // What follows the block in W, where a scale may be shared with it; up to date at the start of the block.
        int columns = mask.Columns, end = start + width;
        int shared = _grid is { } grid && start % grid.GroupColumns == 0
            ? Math.Max(0, Math.Min(columns - start, grid.GroupColumns) - width)
            : 0;
        fixed (byte* blockStart = block.bytes, errorStart = errors.bytes)
        {
            double* values = (double*)blockStart, error = (double*)errorStart;
            using Tensor following = w.narrow(1, end, shared).contiguous();
            double[] beyond = shared == 0 ? [] : MemoryMarshal.Cast<byte, double>(following.bytes).ToArray();
            RowChunks.ForEach(rows, width, (firstRow, rowCount) =>
            {
                for (int row = firstRow; row < firstRow + rowCount; row++)
                {
                    SweepRow(row, new Span<double>(values + (long)row * width, width),
                        new Span<double>(error + (long)row * width, width), beyond.AsSpan(row * shared, shared), u,
                        diagonal, mask.Words(row), start, groups);
                }
            }, _cancellationToken);
        }
    }

    private void SweepRow(int row, Span<double> values, Span<double> errors, ReadOnlySpan<double> beyond, double[] u,
        double[] diagonal, Span<ulong> words, int start, NofMPattern? groups)
    {
        int width = values.Length;
        for (int j = 0; j < width; j++)
        {
            if (groups is not null && j % groups.M == 0)
            {
                TileMaskChooser.ChooseGroup(
                    groups, values.Slice(j, groups.M), diagonal.AsSpan(j, groups.M), words, start + j);
            }

            if (_grid is not null && (start + j) % _grid.GroupColumns == 0)
            {
                int own = Math.Min(width - j, _grid.GroupColumns);
                (double[] ahead, ulong[] keeps) = LookAhead(values, j, own, u, diagonal, words, start, groups);
                _grid.StartGroup(row, start + j, ahead.AsSpan(0, own), beyond, keeps);
            }

            bool kept = WeightMask.IsKept(words, start + j);
            if (values[j] == 0 || kept && _grid is null) continue;
            double target = kept ? _grid!.Round(row, start + j, values[j]) : 0;
            double error = (values[j] - target) / diagonal[j];
            errors[j] = error;
            values[j] = target;
            Span<double> rest = values[(j + 1)..];
            TensorPrimitives.MultiplyAdd(u.AsSpan(j * width + j + 1, rest.Length), -error, rest, rest);
        }
    }

    // What the columns from first on would become without rounding, and which of them would stay; to the end of the
    // last group of M that begins among them.
    private static (double[] Values, ulong[] Words) LookAhead(ReadOnlySpan<double> values, int first, int count,
        double[] u, double[] diagonal, ReadOnlySpan<ulong> words, int start, NofMPattern? groups)
    {
        int width = values.Length, m = groups?.M ?? 1;
        int end = Math.Min(width, (first + count + m - 1) / m * m);
        double[] ahead = values[first..end].ToArray();
        ulong[] keeps = words.ToArray();
        for (int j = first; j < end; j++)
        {
            Span<double> rest = ahead.AsSpan(j - first);
            if (groups is not null && j % groups.M == 0)
                TileMaskChooser.ChooseGroup(groups, rest[..groups.M], diagonal.AsSpan(j, groups.M), keeps, start + j);
            if (WeightMask.IsKept(keeps, start + j) || rest[0] == 0) continue;
            double error = rest[0] / diagonal[j];
            rest[0] = 0;
            rest = rest[1..];
            TensorPrimitives.MultiplyAdd(u.AsSpan(j * width + j + 1, rest.Length), -error, rest, rest);
        }

        return (ahead, keeps);
    }

    private void ChooseTile(TileMaskChooser chooser, Tensor block, double[] diagonal, WeightMask mask, int start)
    {
        WeightMask tile =
            chooser.ChooseTile(_name, MemoryMarshal.Cast<byte, double>(block.bytes), diagonal, mask, start);
        for (int row = 0; row < tile.Rows; row++)
        {
            ReadOnlySpan<ulong> kept = tile.GetRow(row);
            Span<ulong> words = mask.Words(row);
            for (int i = 0; i < kept.Length; i++)
            {
                int first = i * WeightMask.WordBits, count = Math.Min(WeightMask.WordBits, tile.Columns - first);
                WeightMask.Remove(words, start + first, ~kept[i] & ulong.MaxValue >> (WeightMask.WordBits - count));
            }
        }
    }
}
