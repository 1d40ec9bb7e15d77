using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>A matrix whose mask follows from scores in training.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class ScoreMatrix
{
    /// <summary>Starts with initial scores.</summary>
    /// <param name="planned">The matrix.</param>
    /// <param name="parameter">Its weights.</param>
    /// <param name="grid">What shares a score.</param>
    /// <param name="initial">Makes the first scores, row-major in the grid.</param>
    public ScoreMatrix(PlannedTensor planned, Parameter parameter, ScoreGrid grid, Func<ScoreGrid, float[]> initial)
    {
        Planned = planned;
        Grid = grid;
        Weights = new StraightThroughMatrix(planned.Name, parameter);
        Scores = new Parameter(tensor(initial(grid), [grid.Rows, grid.Columns]));
        Scores.DetachFromDisposeScope();
    }

    /// <summary>The matrix and its last sparsity.</summary>
    public PlannedTensor Planned { get; }

    /// <summary>What shares a score.</summary>
    public ScoreGrid Grid { get; }

    /// <summary>The weights, shown and hidden. The hook disposes them.</summary>
    public StraightThroughMatrix Weights { get; }

    /// <summary>S, of the grid's shape. The hook disposes them.</summary>
    public Parameter Scores { get; }

    /// <summary>Scores to be selected from.</summary>
    public ArrayScores Source(float[] scores) => new(Planned.Name, Grid.Rows, Grid.Columns, scores);
}
