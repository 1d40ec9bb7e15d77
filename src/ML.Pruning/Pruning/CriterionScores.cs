using System.Numerics.Tensors;
using ML.Pruning.Calibration;
using ML.Pruning.Checkpoints;
using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>The scores that a criterion gives to a stored matrix; zeros already there come first, and
/// weights that are not finite, when they are allowed, last.</summary>
internal sealed class CriterionScores(
    StoredTensor tensor, PlannedTensor planned, IWeightCriterion criterion, ActivationStatistics? statistics,
    GradientStatistics? gradients, bool allowNonFinite)
    : IScoreSource
{
    /// <inheritdoc/>
    public string Name => planned.Name;

    /// <inheritdoc/>
    public int Rows => planned.Rows;

    /// <inheritdoc/>
    public int Columns => planned.Columns;

    /// <inheritdoc/>
    public void ReadScores(int firstRow, int rowCount, Span<float> scores)
    {
        using var weight = new PooledBuffer<float>(rowCount * Columns);
        tensor.Read((long)firstRow * Columns, weight.Span);
        var block = new WeightBlock(Name, firstRow, rowCount, Columns, weight.Span) { Gradients = gradients };
        criterion.Score(block, statistics, scores);
        if (!weight.Span.Contains(0f) && TensorPrimitives.IsFiniteAll<float>(scores)
            && (!allowNonFinite || TensorPrimitives.IsFiniteAll<float>(weight.Span))) return;
        for (int i = 0; i < scores.Length; i++)
        {
            if (weight.Span[i] == 0)
            {
                scores[i] = float.NegativeInfinity;
            }
            else if (allowNonFinite && !float.IsFinite(weight.Span[i]))
            {
                scores[i] = float.MaxValue;
            }
            else if (!float.IsFinite(scores[i]))
            {
                throw new PruningException($"Tensor '{Name}': the {criterion.Name} score of weight "
                    + $"[{firstRow + i / Columns}, {i % Columns}] = {weight.Span[i]} is {scores[i]}; scores must be "
                    + "finite. Check the weights and the calibration text.");
            }
        }
    }
}
