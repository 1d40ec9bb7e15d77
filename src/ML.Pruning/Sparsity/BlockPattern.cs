namespace ML.Pruning.Sparsity;

/// <summary>Blocks of rows x columns, aligned from row 0 and column 0, are kept or removed whole; those at the last
/// rows and columns may be smaller.</summary>
/// <remarks>A block's score is the sum of the scores of its weights. A comparison group counts blocks instead of
/// weights: with partial blocks the fraction of zeros may therefore differ a little from the sparsity.</remarks>
public sealed record BlockPattern : SparsityPattern
{
    private const int MaxSide = 4096;

    /// <summary>Creates the pattern.</summary>
    /// <param name="rows">Rows of a block, from 1 to 4096.</param>
    /// <param name="columns">Columns of a block, from 1 to 4096.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public BlockPattern(int rows, int columns)
    {
        if (!IsLegal(rows, columns))
            throw new ArgumentException($"A block of {rows}x{columns} is not possible; each side goes from 1 to "
                + $"{MaxSide}.");
        Rows = rows;
        Columns = columns;
    }

    /// <summary>Rows of a block.</summary>
    public int Rows { get; }

    /// <summary>Columns of a block.</summary>
    public int Columns { get; }

    /// <inheritdoc/>
    public override string ToString() => $"block:{Rows}x{Columns}";

    internal static bool IsLegal(int rows, int columns) =>
        rows is >= 1 and <= MaxSide && columns is >= 1 and <= MaxSide;
}
