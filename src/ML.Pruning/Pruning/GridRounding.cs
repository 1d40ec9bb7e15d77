using System.Runtime.InteropServices;
using ML.Pruning.Checkpoints;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>A matrix rounded to an integer grid.</summary>
/// <param name="Tensor">The matrix on the grid; codes and scales are in memory.</param>
/// <param name="RelativeError">Frobenius norm of the change over that of the matrix; 0 for a matrix of zeros.</param>
/// <param name="NewZeros">Weights that were not zero and round to zero.</param>
internal sealed record GridRounding(QuantizedTensor Tensor, double RelativeError, long NewZeros)
{
    /// <summary>Rounds each weight to the nearest code, with scales from the largest weight that shares them.</summary>
    /// <remarks>Zeros stay zeros. A matrix that is on this grid already stays as it is. Sums are taken in float64,
    /// chunk after chunk, so that the result does not depend on the threads.</remarks>
    /// <param name="tensor">A matrix of finite weights.</param>
    /// <param name="grid">The grid.</param>
    /// <param name="cancellationToken">Checked between runs of rows.</param>
    public static GridRounding Of(StoredTensor tensor, WeightGrid grid, CancellationToken cancellationToken)
    {
        if (tensor is QuantizedTensor already && already.Grid == grid) return new GridRounding(already, 0, 0);
        (int rows, int columns) = MatrixShape.Of(tensor);
        int groups = grid.Groups(columns);
        var codes = new byte[(long)rows * columns];
        var scales = new float[(long)rows * groups];
        int chunkRows = RowChunks.RowsPerChunk(columns);
        var sums = new (double Change, double Weight, long NewZeros)[(rows + chunkRows - 1) / chunkRows];
        RowChunks.ForEach(rows, columns, (firstRow, rowCount) =>
        {
            using var weights = new PooledBuffer<float>(rowCount * columns);
            tensor.Read((long)firstRow * columns, weights.Span);
            (double Change, double Weight, long NewZeros) sum = default;
            for (int r = 0; r < rowCount; r++)
            {
                Add(ref sum, weights.Span.Slice(r * columns, columns), grid,
                    scales.AsSpan((firstRow + r) * groups, groups),
                    MemoryMarshal.Cast<byte, sbyte>(codes.AsSpan((firstRow + r) * columns, columns)));
            }

            sums[firstRow / chunkRows] = sum;
        }, cancellationToken);
        double weight = Math.Sqrt(sums.Sum(s => s.Weight));
        return new GridRounding(QuantizedTensor.Of(tensor.Name, columns, codes, scales, grid),
            weight == 0 ? 0 : Math.Sqrt(sums.Sum(s => s.Change)) / weight, sums.Sum(s => s.NewZeros));
    }

    private static void Add(ref (double Change, double Weight, long NewZeros) sum, Span<float> row, WeightGrid grid,
        Span<float> scales, Span<sbyte> codes)
    {
        Quantizer.Scales(row, grid, scales);
        Quantizer.QuantizeRow(row, scales, grid, codes);
        using var back = new PooledBuffer<float>(row.Length);
        Quantizer.DequantizeRow(codes, scales, grid, back.Span);
        for (int i = 0; i < row.Length; i++)
        {
            double weight = row[i], change = back.Span[i] - weight;
            sum.Weight += weight * weight;
            sum.Change += change * change;
        }

        sum.NewZeros += codes.Count((sbyte)0) - row.Count(0f);
    }
}
