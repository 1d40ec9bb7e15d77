using System.Runtime.ExceptionServices;

namespace ML.Pruning.Sparsity;

/// <summary>Cuts matrices into runs of whole rows for parallel work.</summary>
internal static class RowChunks
{
    private const int ElementsPerChunk = 1 << 16;

    /// <summary>Rows of a chunk, at least 1.</summary>
    public static int RowsPerChunk(int columns) => Math.Max(1, ElementsPerChunk / Math.Max(1, columns));

    /// <summary>The chunks of a matrix in order.</summary>
    public static IEnumerable<(int FirstRow, int RowCount)> Of(int rows, int columns)
    {
        int step = RowsPerChunk(columns);
        for (int row = 0; row < rows; row += step) yield return (row, Math.Min(step, rows - row));
    }

    /// <summary>Works on all chunks of a matrix in parallel.</summary>
    public static void ForEach(int rows, int columns, Action<int, int> body, CancellationToken cancellationToken)
    {
        (int FirstRow, int RowCount)[] chunks = [.. Of(rows, columns)];
        For(chunks.Length, i => body(chunks[i].FirstRow, chunks[i].RowCount), cancellationToken);
    }

    /// <summary>A parallel loop that throws what its body throws, instead of a collection.</summary>
    public static void For(int count, Action<int> body, CancellationToken cancellationToken)
    {
        try
        {
            Parallel.For(0, count, ThreadLimit.Options(cancellationToken), body);
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
