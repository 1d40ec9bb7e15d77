using System.Text.Json.Nodes;
using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>Masks by scores that are trained: the model computes by W' = W * M(S), and the gradient of W' passes
/// straight through the mask to the scores, dL/dS = dL/dW' * W (summed over what shares a score).</summary>
/// <remarks>
/// <para>Of the pruning method (<see cref="SparseFineTuneOptions.Pruning"/>) the choice of tensors, sparsity,
/// allocation, pattern and group count; its criterion does not. Zeros that the model has in these tensors may come
/// back.</para>
/// <para>Gradients of the scores are not clipped. Their rate follows the schedule of the weights' and is halved with it
/// by roll-backs. Immutable and thread-safe.</para>
/// </remarks>
public abstract record LearnedScores : SparsityDynamics
{
    private protected LearnedScores()
    {
    }

    /// <summary>Highest learning rate of the scores, positive; null = 0.01, or what the method says.</summary>
    public double? ScoreLearningRate { get; init; }

    /// <summary>How scores follow their gradients.</summary>
    public ScoreOptimizer ScoreOptimizer { get; init; } = ScoreOptimizer.Adam;

    /// <summary>What shares a score.</summary>
    public ScoreGranularity Granularity { get; init; }

    /// <summary>Whether the weights are trained too.</summary>
    internal virtual bool TrainsWeights => true;

    /// <inheritdoc/>
    internal override JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["scoreLearningRate"] = ScoreLearningRate,
        ["scoreOptimizer"] = ScoreOptimizer.ToString().ToLowerInvariant(),
        ["granularity"] = Granularity.ToString().ToLowerInvariant(),
    };

    /// <inheritdoc/>
    internal override void Validate(TrainingOptions training)
    {
        Require(ScoreLearningRate is null or > 0 and < double.PositiveInfinity, "learning rate of the scores",
            ScoreLearningRate ?? 0, "positive and finite");
        Require(Enum.IsDefined(Granularity), "granularity", (int)Granularity, "a member of ScoreGranularity");
        Require(Enum.IsDefined(ScoreOptimizer), "optimizer", (int)ScoreOptimizer, "a member of ScoreOptimizer");
    }

    /// <inheritdoc/>
    internal override TrainingSetup SetUp(DynamicsContext context)
    {
        WeightPruning method = context.Method!;
        bool isWhole = Granularity == ScoreGranularity.Pattern && method.Pattern is UnstructuredPattern;
        if (!isWhole && method.Group is not (ComparisonGroup.Row or ComparisonGroup.Tensor))
        {
            throw new ArgumentException(
                $"Scores of blocks, rows or heads are compared within a tensor, or within a row of "
                + $"blocks, not within a {method.Group.ToString().ToLowerInvariant()}: choose the group "
                + "tensor or row.");
        }

        ScoreMatrix[] matrices = [.. context.Planned().Select(p => new ScoreMatrix(p.Tensor, p.Parameter,
            ScoreGrid.Of(p.Tensor, context.Spec, Granularity, method.Pattern),
            grid => InitialScores(grid, p.Tensor, context.Training.Seed)))];
        HashSet<string> planned = [.. matrices.Select(m => m.Planned.Name)];
        return new TrainingSetup(
            TrainsWeights ? context.Parameters : [.. context.Parameters.Where(p => planned.Contains(p.Name))])
        {
            Hooks = [new LearnedScoresHook(this, matrices, context), context.KeepOthers()],
        };
    }

    /// <summary>The highest learning rate of the scores in a training of so many steps.</summary>
    internal virtual double ResolveRate(int steps) => ScoreLearningRate ?? 1e-2;

    /// <summary>Scores at the start.</summary>
    /// <param name="grid">Their shape.</param>
    /// <param name="tensor">The matrix.</param>
    /// <param name="seed">Seed.</param>
    internal virtual float[] InitialScores(ScoreGrid grid, PlannedTensor tensor, int seed) => new float[grid.Count];

    /// <summary>Makes the gradient of the scores from what passed through the mask, and adds that of
    /// penalties.</summary>
    /// <param name="scores">Scores S.</param>
    /// <param name="gradient">Sum of dL/dW' * W over each block; changed.</param>
    /// <param name="progress">How far the training is, in [0, 1].</param>
    /// <param name="context">The run.</param>
    internal virtual void ToScoreGradient(ReadOnlySpan<float> scores, Span<float> gradient, double progress,
        DynamicsContext context)
    {
    }

    /// <summary>Which scores stay.</summary>
    /// <param name="scores">Scores S, row-major in the grid; may be changed.</param>
    /// <param name="matrix">The matrix.</param>
    /// <param name="progress">How far the training is, in [0, 1].</param>
    /// <param name="context">The run.</param>
    /// <returns>A mask of the grid.</returns>
    internal virtual WeightMask Select(float[] scores, ScoreMatrix matrix, double progress, DynamicsContext context) =>
        MaskSelector.Select(matrix.Source(scores), SparsityPattern.Unstructured, context.Method!.Group,
            context.Schedule.SparsityAt(progress, 0, matrix.Planned.Sparsity));

    /// <summary>Whether masks chosen at a point of the training may be those of the result.</summary>
    internal virtual bool IsComplete(double progress, DynamicsContext context) => context.Schedule.IsComplete(progress);
}
