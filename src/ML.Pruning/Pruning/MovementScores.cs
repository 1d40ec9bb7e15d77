using ML.Pruning.Calibration;
using ML.Pruning.Importance;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Pruning by movement scores: of each tensor the weights go that a short training run draws towards zero, or
/// moves least away from it.</summary>
/// <remarks>Sanh et al. 2020, arXiv:2005.07683; <see cref="MovementCriterion"/> says where it differs. Meant for text
/// that a model is being fine-tuned to: where training has nothing left to learn, movement is noise, and magnitude does
/// far better. Needs calibration text, and memory for training the whole model. Presets of <see cref="WeightPruning"/>
/// that can be changed: group tensor, unstructured, sparsity 0.5. Immutable and thread-safe.</remarks>
public sealed class MovementScores : WeightPruning
{
    /// <summary>Creates the method.</summary>
    /// <param name="options">How the training run goes; null = the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public MovementScores(MovementOptions? options = null)
        : base(new MovementCriterion(options)) => Group = ComparisonGroup.Tensor;
}
