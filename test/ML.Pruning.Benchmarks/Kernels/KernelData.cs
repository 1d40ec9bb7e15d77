using ML.Pruning.Kernels;

namespace ML.Pruning.Benchmarks.Kernels;

/// <summary>Random matrices and activations.</summary>
internal static class KernelData
{
    /// <summary>Activations [batch, columns].</summary>
    public static float[] Activations(int batch, int columns) => Normal(batch * columns, new Random(2));

    /// <summary>Weights of a matrix [rows, columns].</summary>
    public static float[] Weights(int rows, int columns) => Normal(rows * columns, new Random(1));

    /// <summary>A copy with zeros: single ones, or blocks of 16 rows x so many columns.</summary>
    public static float[] Prune(float[] weights, int columns, double sparsity, int blockColumns)
    {
        float[] pruned = (float[])weights.Clone();
        var random = new Random(3);
        if (blockColumns == 0)
        {
            for (int i = 0; i < pruned.Length; i++)
                if (random.NextSingle() < sparsity)
                    pruned[i] = 0;
            return pruned;
        }

        int rows = weights.Length / columns;
        for (int row = 0; row < rows; row += 16)
            for (int column = 0; column < columns; column += blockColumns)
            {
                if (random.NextDouble() >= sparsity)
                    continue;
                for (int r = row; r < Math.Min(row + 16, rows); r++)
                    pruned.AsSpan(r * columns + column, Math.Min(blockColumns, columns - column)).Clear();
            }

        return pruned;
    }

    /// <summary>Packed copies of a matrix that take so many bytes together, each in memory of its own.</summary>
    public static PackedMatrix[] Pack(
        float[] weights, int rows, int columns, PackedFormat format, PackedType type, long bytes)
    {
        PackedMatrix first = PackedMatrix.Pack(weights, rows, columns, format, type);
        int copies = (int)Math.Clamp(bytes / first.SizeBytes + 1, 2, 1000);
        return [first, .. Enumerable.Range(1, copies - 1).Select(_ => PackedMatrix.Open(first.Bytes))];
    }

    // Sums of four uniform numbers: near enough, and quick.
    private static float[] Normal(int count, Random random)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = random.NextSingle() + random.NextSingle() + random.NextSingle() + random.NextSingle() - 2;
        return values;
    }
}
