using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Kernels;

/// <summary>The products in C#: what serves without the native library, and what its results are compared
/// with.</summary>
/// <remarks>
/// <para>Each group of 16 rows is unpacked 64 columns at a time and multiplied with all rows of the batch.</para>
/// <para>For the integer types activations become codes q = round(x * 127 / max|x|), half to even, with the scale
/// max|x| / 127 for each row of the batch; sums of products of codes are exact, and the results equal the native ones
/// to the bit. For float32 and bfloat16 they differ by the order of additions.</para>
/// </remarks>
internal static class ManagedKernels
{
    private const int Rows = PackedShape.GroupRows;
    private const int Step = PackedShape.ColumnStep;
    private const float MaxCode = 127;

    /// <summary>y[b, n] = sum over k of x[b, k] * w[n, k].</summary>
    /// <param name="matrix">W [rows, columns].</param>
    /// <param name="x">Activations [batch, columns], row-major.</param>
    /// <param name="batch">Rows of x and y.</param>
    /// <param name="y">Destination [batch, rows], row-major.</param>
    /// <param name="grid">The grid of the activations of an int8 matrix; null = one for each row.</param>
    public static void Multiply(
        PackedReader matrix, ReadOnlySpan<float> x, int batch, Span<float> y, ActivationGrid? grid)
    {
        PackedShape shape = matrix.Shape;
        int width = shape.PaddedColumns;
        using var seen = new PooledBuffer<float>(batch * width);
        using var scales = new PooledBuffer<float>(batch);
        using var sums = new PooledBuffer<float>(batch * Rows);
        Prepare(shape, grid, x, batch, seen.Span, scales.Span);
        Span<float> weights = stackalloc float[Step * Rows];
        for (int group = 0; group < shape.Groups; group++)
        {
            sums.Span.Clear();
            var reader = new BlockReader(matrix, group);
            for (int block = 0; block < shape.Blocks; block++)
            {
                reader.Read(block, weights);
                Vector512<float> blockScales = shape.Type == PackedType.Int4
                    ? Int4Scales(matrix, group, block)
                    : Vector512<float>.One;
                for (int b = 0; b < batch; b++)
                    AddBlock(shape.Type, weights, seen.Span.Slice(b * width + block * Step, Step), blockScales,
                        sums.Span.Slice(b * Rows, Rows));
            }

            Finish(matrix, group, sums.Span, scales.Span, y);
        }
    }

    // Codes as floats for the integer types; columns padded with zeros.
    private static void Prepare(PackedShape shape, ActivationGrid? grid, ReadOnlySpan<float> x, int batch,
        Span<float> seen, Span<float> scales)
    {
        bool codes = shape.Type is PackedType.Int8 or PackedType.Int4;
        seen.Clear();
        for (int b = 0; b < batch; b++)
        {
            ReadOnlySpan<float> row = x.Slice(b * shape.Columns, shape.Columns);
            Span<float> to = seen.Slice(b * shape.PaddedColumns, shape.Columns);
            scales[b] = 1;
            if (!codes)
            {
                row.CopyTo(to);
                continue;
            }

            if (grid is { } given)
            {
                scales[b] = given.Scale;
                TensorPrimitives.Divide(row, given.Scale, to);
            }
            else
            {
                float largest = MathF.Abs(TensorPrimitives.MaxMagnitude(row));
                scales[b] = largest / MaxCode;
                TensorPrimitives.Multiply(row, largest > 0 ? MaxCode / largest : 0, to);
            }

            TensorPrimitives.Min(to, grid?.Highest ?? MaxCode, to);
            TensorPrimitives.Max(to, grid?.Lowest ?? -MaxCode, to);
            TensorPrimitives.Round(to, to);
        }
    }

    // Products of codes and their sums over 64 columns are whole numbers below 2^24: exact in float32.
    private static void AddBlock(
        PackedType type, ReadOnlySpan<float> weights, ReadOnlySpan<float> x, Vector512<float> scales, Span<float> sums)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int k = 0; k < Step; k++)
            sum = Vector512.FusedMultiplyAdd(
                Vector512.Create<float>(weights.Slice(k * Rows, Rows)), Vector512.Create(x[k]), sum);
        switch (type)
        {
            case PackedType.Int8:
                Span<int> integers = MemoryMarshal.Cast<float, int>(sums);
                (Vector512.Create<int>(integers) + Vector512.ConvertToInt32(sum)).CopyTo(integers);
                break;
            case PackedType.Int4:
                Vector512.FusedMultiplyAdd(sum, scales, Vector512.Create<float>(sums)).CopyTo(sums);
                break;
            default:
                (Vector512.Create<float>(sums) + sum).CopyTo(sums);
                break;
        }
    }

    private static void Finish(
        PackedReader matrix, int group, ReadOnlySpan<float> sums, ReadOnlySpan<float> xScales, Span<float> y)
    {
        PackedShape shape = matrix.Shape;
        int first = group * Rows;
        int rows = Math.Min(Rows, shape.Rows - first);
        ReadOnlySpan<float> rowScales = shape.Type == PackedType.Int8
            ? MemoryMarshal.Cast<byte, float>(matrix.Scales).Slice(first, Rows)
            : default;
        for (int b = 0; b < xScales.Length; b++)
        {
            ReadOnlySpan<float> from = sums.Slice(b * Rows, rows);
            Span<float> to = y.Slice(b * shape.Rows + first, rows);
            if (shape.Type == PackedType.Int8)
            {
                ReadOnlySpan<int> integers = MemoryMarshal.Cast<float, int>(from);
                for (int row = 0; row < rows; row++)
                    to[row] = integers[row] * (rowScales[row] * xScales[b]);
            }
            else
            {
                TensorPrimitives.Multiply(from, xScales[b], to);
            }
        }
    }

    private static Vector512<float> Int4Scales(PackedReader matrix, int group, int block)
    {
        const int Bytes = Rows * sizeof(ushort);
        ReadOnlySpan<ushort> halves = MemoryMarshal.Cast<byte, ushort>(
            matrix.Scales.Slice((group * matrix.Shape.Blocks + block) * Bytes, Bytes));
        return (Vector512.WidenLower(Vector256.Create<ushort>(halves).ToVector512()) << 16).AsSingle();
    }
}
