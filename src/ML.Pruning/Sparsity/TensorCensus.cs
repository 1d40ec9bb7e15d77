using System.Numerics.Tensors;
using ML.Pruning.Checkpoints;

namespace ML.Pruning.Sparsity;

/// <summary>Counts what is in a matrix.</summary>
internal static class TensorCensus
{
    private const long None = long.MaxValue;

    /// <summary>The zeros of a matrix, and the first element that is NaN or infinite.</summary>
    /// <param name="tensor">A tensor of two dimensions.</param>
    /// <param name="cancellationToken">Checked between runs of rows.</param>
    /// <returns>The number of zeros; the index [row * columns + column] of the first NaN or infinity, or
    /// null.</returns>
    public static (long Zeros, long? FirstNonFinite) Take(StoredTensor tensor, CancellationToken cancellationToken)
    {
        (int rows, int columns) = MatrixShape.Of(tensor);
        long zeros = 0, firstBad = None;
        object gate = new();
        RowChunks.ForEach(rows, columns, (firstRow, rowCount) =>
        {
            using var buffer = new PooledBuffer<float>(rowCount * columns);
            long start = (long)firstRow * columns;
            tensor.Read(start, buffer.Span);
            int count = buffer.Span.Count(0f);
            int bad = TensorPrimitives.IsFiniteAll<float>(buffer.Span) ? -1 : FindBad(buffer.Span);
            lock (gate)
            {
                zeros += count;
                if (bad >= 0) firstBad = Math.Min(firstBad, start + bad);
            }
        }, cancellationToken);
        return (zeros, firstBad == None ? null : firstBad);
    }

    private static int FindBad(ReadOnlySpan<float> values)
    {
        for (int i = 0; i < values.Length; i++)
            if (!float.IsFinite(values[i])) return i;
        return -1;
    }
}
