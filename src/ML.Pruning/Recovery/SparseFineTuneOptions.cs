using ML.Pruning.Models;
using ML.Pruning.Pruning;
using ML.Pruning.Recovery.DynamicSparsity;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery;

/// <summary>How a sparse model is trained (<see cref="SparseFineTuner"/>).</summary>
/// <remarks>Immutable.</remarks>
public sealed record SparseFineTuneOptions
{
    /// <summary>What goes before or during the training; null = nothing: the zeros that the model has are kept, or are
    /// those that <see cref="Dynamics"/> start with.</summary>
    public PruningMethod? Pruning { get; init; }

    /// <summary>When it goes. One-shot: before the training, by any <see cref="Pruning"/> method, calibrated on the
    /// training examples. Otherwise the sparsity rises during the training; then the method must be one that scores
    /// weights by themselves, such as <see cref="Magnitude"/>.</summary>
    public SparsitySchedule Schedule { get; init; } = SparsitySchedule.OneShot;

    /// <summary>How masks change besides; null = what is removed stays removed. <see cref="RigL"/> and
    /// <see cref="SparseEvolution"/> move the zeros that are there or that <see cref="Pruning"/> made before the
    /// training; the others choose them during the training, with the sparsities of <see cref="Pruning"/>.</summary>
    public SparsityDynamics? Dynamics { get; init; }

    /// <summary>Steps from one choice of masks to the next while the sparsity rises, at least 1; null = a fiftieth of
    /// the steps.</summary>
    public int? MaskInterval { get; init; }

    /// <summary>What is made small when there is a teacher.</summary>
    public DistillationOptions Distillation { get; init; } = new();

    /// <summary>How the weights are trained. Defaults that differ: no weight decay, and 0.999 as second beta.</summary>
    public TrainingOptions Training { get; init; } = new() { WeightDecay = 0, Beta2 = 0.999 };

    /// <summary>Whether zeros are chosen during the training, by a plan.</summary>
    internal bool FollowsPlan =>
        Dynamics?.FollowsPlan ?? (Pruning is not null && Schedule.Kind != RampKind.OneShot);

    /// <summary>Checks the options.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="teacher">The teacher, if there is one.</param>
    /// <exception cref="ArgumentException">One is out of range, or does not fit the others or the models.</exception>
    internal void Validate(LanguageModel model, LanguageModel? teacher)
    {
        Schedule.Validate();
        Dynamics?.Validate(Training);
        if (model.Spec.Adapters.Count > 0)
            throw new ArgumentException("The model has adapters beside its weights; merge them first.");
        if (MaskInterval < 1)
            throw new ArgumentException($"The mask interval is {MaskInterval}; it must be at least 1.");
        if (teacher is not null)
        {
            Distillation.Validate();
            DistillationObjective.RequireMatch(model.Spec, teacher.Spec, Distillation);
        }

        if (Pruning is LayerwisePruning { Quantization: { } grid })
        {
            throw new ArgumentException($"Training would take the weights off the grid {grid}; fine-tune first, and "
                + "quantise afterwards.");
        }

        bool isRamp = Schedule.Kind != RampKind.OneShot;
        if (Dynamics is { HasOwnSchedule: true } && isRamp)
        {
            throw new ArgumentException($"The method {Dynamics.Name} has no use for the sparsity schedule {Schedule}; "
                + "leave it at one-shot.");
        }

        if (Dynamics is { NeedsRamp: true } && !isRamp)
        {
            throw new ArgumentException($"The method {Dynamics.Name} needs a sparsity schedule that rises during the "
                + "training: set it to linear, cubic or exponential.");
        }

        if ((isRamp || Dynamics is { FollowsPlan: true }) && WhyNoPlan() is { } why)
        {
            throw new ArgumentException(Dynamics is null
                ? $"The sparsity schedule {Schedule} {why}; or use the schedule one-shot."
                : $"The method {Dynamics.Name} {why}.");
        }
    }

    private string? WhyNoPlan() => Pruning switch
    {
        null => "needs a pruning method that says what goes",
        WeightPruning { NeedsCalibration: true } or not WeightPruning =>
            $"needs a method that scores weights by themselves, such as magnitude, not {Pruning.Name}",
        WeightPruning { Pattern: NofMPattern pattern } => $"has no use for {pattern}, which sets one sparsity",
        WeightPruning { Masks: not null } => "chooses masks itself and takes none from a file",
        WeightPruning { Group: ComparisonGroup.Layer or ComparisonGroup.Model } =>
            "compares weights within a tensor: choose the group row, tile or tensor",
        WeightPruning { Allocation: IScoredAllocation allocation } =>
            $"cannot use the allocation {allocation.Name}, which depends on scores",
        _ => null,
    };
}
