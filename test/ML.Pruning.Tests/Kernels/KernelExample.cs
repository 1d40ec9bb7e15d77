using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;
using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace ML.Pruning.Tests.Kernels;

/// <summary>A random matrix and activations, with their products in float64 as a packed type defines them.</summary>
internal sealed record KernelExample(float[] Weights, float[] X, double[] Products, double[] Magnitudes, int Columns)
{
    private const double Sparsity = 0.6;

    public static KernelExample Create(int rows, int columns, int batch, PackedFormat format, PackedType type)
    {
        var random = new Random(rows * 31 + columns);
        float[] weights = new float[rows * columns];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = random.NextSingle() < Sparsity ? 0 : random.NextSingle() - 0.5f;
        if (format == PackedFormat.Block)
            ClearBlocks(weights, rows, columns, random);
        float[] x = [.. Enumerable.Range(0, batch * columns).Select(_ => random.NextSingle() * 4 - 2)];

        double[] stored = Stored(weights, columns, type);
        double[] seen = Seen(x, columns, type);
        double[] products = new double[batch * rows];
        double[] magnitudes = new double[batch * rows];
        for (int i = 0; i < products.Length; i++)
            for (int k = 0; k < columns; k++)
            {
                double term = stored[i % rows * columns + k] * seen[i / rows * columns + k];
                products[i] += term;
                magnitudes[i] += Math.Abs(term);
            }

        return new KernelExample(weights, x, products, magnitudes, columns);
    }

    /// <summary>Compares results; float32 sums may err by a few units for each square root of their length.</summary>
    public void Expect(float[] y)
    {
        double tolerance = 1e-7 * (8 + Math.Sqrt(Columns));
        for (int i = 0; i < y.Length; i++)
            Assert.AreEqual(Products[i], y[i], tolerance * Magnitudes[i] + 1e-30, $"element {i}");
    }

    private static void ClearBlocks(float[] weights, int rows, int columns, Random random)
    {
        for (int row = 0; row < rows; row += 16)
            for (int column = 0; column < columns; column += 4)
                if (random.NextDouble() < Sparsity)
                    for (int r = row; r < Math.Min(row + 16, rows); r++)
                        weights.AsSpan(r * columns + column, Math.Min(4, columns - column)).Clear();
    }

    private static double[] Stored(float[] weights, int columns, PackedType type)
    {
        double[] stored = [.. weights];
        WeightGrid? grid = type switch
        {
            PackedType.Int8 => new Int8PerRow(),
            PackedType.Int4 => new Int4Groups(),
            _ => null,
        };
        for (int at = 0; at < weights.Length; at += columns)
        {
            if (grid is null)
                continue;
            ReadOnlySpan<float> row = weights.AsSpan(at, columns);
            float[] scales = new float[grid.Groups(columns)];
            Quantizer.Scales(row, grid, scales);
            for (int k = 0; k < columns; k++)
            {
                float scale = scales[k / grid.GroupColumns(columns)];
                stored[at + k] = Quantizer.Quantize(row[k], scale, grid) * (double)scale;
            }
        }

        for (int i = 0; type == PackedType.BFloat16 && i < weights.Length; i++)
            stored[i] = ToBFloat16(weights[i]);
        return stored;
    }

    private static double[] Seen(float[] x, int columns, PackedType type)
    {
        double[] seen = [.. x];
        for (int at = 0; type is PackedType.Int8 or PackedType.Int4 && at < x.Length; at += columns)
        {
            float largest = x.AsSpan(at, columns).ToArray().Max(MathF.Abs);
            for (int k = at; k < at + columns; k++)
                seen[k] = MathF.Round(x[k] * (127 / largest)) * (double)(largest / 127);
        }

        return seen;
    }

    private static float ToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
    }
}
