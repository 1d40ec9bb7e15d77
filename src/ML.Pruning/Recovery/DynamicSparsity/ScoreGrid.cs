using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Which weights of a matrix share a score: blocks from row 0 and column 0 on; those at the last rows and
/// columns may be smaller.</summary>
/// <param name="MatrixRows">Rows of the matrix.</param>
/// <param name="MatrixColumns">Columns of the matrix.</param>
/// <param name="BlockRows">Rows of a block, at least 1.</param>
/// <param name="BlockColumns">Columns of a block, at least 1.</param>
internal readonly record struct ScoreGrid(int MatrixRows, int MatrixColumns, int BlockRows, int BlockColumns)
{
    /// <summary>Blocks from top to bottom.</summary>
    public int Rows => (MatrixRows + BlockRows - 1) / BlockRows;

    /// <summary>Blocks from left to right.</summary>
    public int Columns => (MatrixColumns + BlockColumns - 1) / BlockColumns;

    /// <summary>Number of scores.</summary>
    public int Count => checked(Rows * Columns);

    /// <summary>The grid of a matrix.</summary>
    public static ScoreGrid Of(
        PlannedTensor tensor, ModelSpec spec, ScoreGranularity granularity, SparsityPattern pattern)
    {
        ScoreGrid Blocks(int rows, int columns) => new(tensor.Rows, tensor.Columns, rows, columns);
        if (granularity == ScoreGranularity.Pattern)
            return pattern is BlockPattern block ? Blocks(block.Rows, block.Columns) : Blocks(1, 1);
        bool Is(string part) => tensor.Layer >= 0 && tensor.Name == TensorNames.Weight(tensor.Layer, part);
        if (granularity == ScoreGranularity.Head && tensor.Layer >= 0)
        {
            int head = spec.Layers[tensor.Layer].HeadSize;
            if (Is(TensorNames.Query) || Is(TensorNames.Key) || Is(TensorNames.Value))
                return Blocks(head, tensor.Columns);
            if (Is(TensorNames.Output)) return Blocks(tensor.Rows, head);
        }

        return Blocks(1, tensor.Columns);
    }

    /// <summary>Adds up what belongs to a block.</summary>
    /// <param name="values">A value for each weight, row-major.</param>
    /// <returns>A sum for each block, row-major.</returns>
    public float[] Sum(float[] values)
    {
        if (BlockRows == 1 && BlockColumns == 1) return values;
        var sums = new float[Count];
        for (int row = 0; row < MatrixRows; row++)
        {
            Span<float> target = sums.AsSpan(row / BlockRows * Columns, Columns);
            ReadOnlySpan<float> source = values.AsSpan(row * MatrixColumns, MatrixColumns);
            for (int column = 0; column < source.Length; column++) target[column / BlockColumns] += source[column];
        }

        return sums;
    }

    /// <summary>The mask of the weights that a mask of the blocks stands for.</summary>
    /// <param name="blocks">[<see cref="Rows"/>, <see cref="Columns"/>].</param>
    public WeightMask Expand(WeightMask blocks)
    {
        if (BlockRows == 1 && BlockColumns == 1) return blocks;
        var mask = new WeightMask(MatrixRows, MatrixColumns);
        for (int row = 0; row < MatrixRows; row++)
        {
            ReadOnlySpan<ulong> kept = blocks.GetRow(row / BlockRows);
            Span<ulong> words = mask.Words(row);
            for (int column = 0; column < MatrixColumns; column++)
                if (!WeightMask.IsKept(kept, column / BlockColumns)) WeightMask.Remove(words, column);
        }

        return mask;
    }
}
