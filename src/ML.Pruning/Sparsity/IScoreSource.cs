namespace ML.Pruning.Sparsity;

/// <summary>The scores of one weight matrix, read by rows, so that they need not all be in memory.</summary>
/// <remarks>Implementations are thread-safe and yield the same numbers at each read.</remarks>
public interface IScoreSource
{
    /// <summary>Name of the tensor, for messages.</summary>
    string Name { get; }

    /// <summary>Output features.</summary>
    int Rows { get; }

    /// <summary>Input features.</summary>
    int Columns { get; }

    /// <summary>Reads scores; a low one means that the weight can go.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rowCount">Rows to read.</param>
    /// <param name="scores">Destination [rowCount, columns], row-major. <see cref="float.NegativeInfinity"/> stands for
    /// a weight that is zero already and goes first.</param>
    void ReadScores(int firstRow, int rowCount, Span<float> scores);
}
