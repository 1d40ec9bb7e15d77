using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery;

/// <summary>How a sparse model is trained (<see cref="SparseFineTuner"/>).</summary>
/// <remarks>Immutable.</remarks>
public sealed record SparseFineTuneOptions
{
    /// <summary>What goes before or during the training; null = nothing: the zeros that the model has are kept.</summary>
    public PruningMethod? Pruning { get; init; }

    /// <summary>When it goes. One-shot: before the training, by any <see cref="Pruning"/> method, calibrated on the
    /// training examples. Otherwise the sparsity rises during the training; then the method must be one that scores
    /// weights by themselves, such as <see cref="Magnitude"/>.</summary>
    public SparsitySchedule Schedule { get; init; } = SparsitySchedule.OneShot;

    /// <summary>Steps from one choice of masks to the next while the sparsity rises, at least 1; null = a fiftieth of
    /// the steps.</summary>
    public int? MaskInterval { get; init; }

    /// <summary>What is made small when there is a teacher.</summary>
    public DistillationOptions Distillation { get; init; } = new();

    /// <summary>How the weights are trained. Defaults that differ: no weight decay, and 0.999 as second beta.</summary>
    public TrainingOptions Training { get; init; } = new() { WeightDecay = 0, Beta2 = 0.999 };
}
