using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Recovery;

/// <summary>Gradual pruning: the sparsity follows a schedule, and what is removed stays removed.</summary>
/// <remarks>At step s of S the progress is s / (S - 1). Masks are chosen anew every interval, and as soon as the last
/// sparsity is due.</remarks>
/// <param name="schedule">The schedule.</param>
/// <param name="method">What goes: criterion, group, pattern.</param>
/// <param name="plan">The tensors with their last sparsities.</param>
/// <param name="initial">Sparsity of each tensor at the start, in [0, 1), by name.</param>
/// <param name="steps">Steps of the training.</param>
/// <param name="interval">Steps from one choice to the next, at least 1.</param>
internal sealed class ScheduledMasks(SparsitySchedule schedule, WeightPruning method, PruningPlan plan,
    IReadOnlyDictionary<string, double> initial, int steps, int interval) : MaskUpdate
{
    private const string CompleteName = "complete";
    private bool _isComplete;

    /// <inheritdoc/>
    public override bool IsComplete => _isComplete;

    /// <inheritdoc/>
    public override void Update(int step, IReadOnlyList<MaskedParameter> masks)
    {
        double progress = steps == 1 ? 1 : (double)step / (steps - 1);
        bool isLast = schedule.IsComplete(progress);
        if (_isComplete || !isLast && step % interval != 0) return;
        Dictionary<string, MaskedParameter> byName = masks.ToDictionary(m => m.Name, StringComparer.Ordinal);
        foreach (PlannedTensor tensor in plan.Tensors)
        {
            double start = Math.Min(initial[tensor.Name], tensor.Sparsity);
            double sparsity = schedule.SparsityAt(progress, start, tensor.Sparsity);
            MaskedParameter mask = byName[tensor.Name];
            mask.Change(MaskSelector.Select(
                method.ScoresOf(tensor, mask.ReadWeights()), method.Pattern, method.Group, sparsity));
        }

        _isComplete = isLast;
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, float[]> Save() =>
        new Dictionary<string, float[]> { [CompleteName] = [_isComplete ? 1 : 0] };

    /// <inheritdoc/>
    public override void Load(IReadOnlyDictionary<string, float[]> state) => _isComplete = state[CompleteName][0] == 1;
}
