namespace ML.Pruning.Sparsity;

/// <summary>Scores in memory.</summary>
/// <remarks>Thread-safe as long as nobody writes to the array.</remarks>
public sealed class ArrayScores : IScoreSource
{
    private readonly ReadOnlyMemory<float> _scores;

    /// <summary>Wraps scores.</summary>
    /// <param name="name">Name of the tensor, for messages.</param>
    /// <param name="rows">Rows, at least 0.</param>
    /// <param name="columns">Columns, at least 0.</param>
    /// <param name="scores">Scores [rows, columns], row-major; not copied.</param>
    /// <exception cref="ArgumentException">The shape does not fit the scores.</exception>
    public ArrayScores(string name, int rows, int columns, ReadOnlyMemory<float> scores)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if ((long)rows * columns != scores.Length)
        {
            throw new ArgumentException($"Tensor '{name}': {scores.Length} scores were given for a shape of "
                + $"[{rows}, {columns}].", nameof(scores));
        }

        Name = name;
        Rows = rows;
        Columns = columns;
        _scores = scores;
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Columns { get; }

    /// <inheritdoc/>
    public void ReadScores(int firstRow, int rowCount, Span<float> scores) =>
        _scores.Span.Slice(firstRow * Columns, rowCount * Columns).CopyTo(scores);
}
