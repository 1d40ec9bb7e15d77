using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary><see cref="Regrowing"/> at work.</summary>
/// <param name="dynamics">How.</param>
/// <param name="matrices">The matrices; the hook disposes them.</param>
/// <param name="context">The run.</param>
internal sealed class RegrowingHook(Regrowing dynamics, (PlannedTensor Tensor, StraightThroughMatrix Matrix)[] matrices,
    DynamicsContext context) : StraightThroughHook([.. matrices.Select(m => m.Matrix)])
{
    private const string TrainedPrefix = "trained.";
    private const string StateName = "regrowing-state";

    // Which weights are trained beside those shown; null = all.
    private readonly float[]?[] _trained = new float[matrices.Length][];
    private bool _isComplete;

    /// <inheritdoc/>
    public override bool IsComplete => _isComplete;

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, float[]> Save()
    {
        var state = new Dictionary<string, float[]>(base.Save(), StringComparer.Ordinal);
        for (int i = 0; i < matrices.Length; i++)
            if (_trained[i] is { } trained) state.Add(TrainedPrefix + matrices[i].Tensor.Name, trained);
        state.Add(StateName, [_isComplete ? 1 : 0]);
        return state;
    }

    /// <inheritdoc/>
    public override void Load(IReadOnlyDictionary<string, float[]> state)
    {
        base.Load(state);
        for (int i = 0; i < matrices.Length; i++)
            _trained[i] = state.GetValueOrDefault(TrainedPrefix + matrices[i].Tensor.Name);
        _isComplete = state[StateName][0] == 1;
    }

    /// <inheritdoc/>
    protected override void UseGradient(int step, int index)
    {
        if (IsOver(step))
        {
            Matrices[index].Masked.MaskGradient();
            return;
        }

        if (_trained[index] is not { } trained) return;
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        MaskedParameter masked = Matrices[index].Masked;
        masked.Parameter.grad!.mul_(tensor(trained, [masked.Rows, masked.Columns]));
    }

    /// <inheritdoc/>
    protected override void ChangeMasks(int step, TrainedParameters parameters)
    {
        double progress = context.Progress(step);
        bool isComplete = context.Schedule.IsComplete(progress);
        bool becomesComplete = isComplete && !_isComplete;
        if (!becomesComplete && (IsOver(step) || step % context.MaskInterval != 0)) return;
        for (int i = 0; i < matrices.Length; i++)
        {
            (PlannedTensor tensor, StraightThroughMatrix matrix) = matrices[i];
            IScoreSource scores = context.Method!.ScoresOf(tensor, matrix.ReadAll());
            double sparsity = context.Schedule.SparsityAt(progress, 0, tensor.Sparsity);
            matrix.Masked.Change(Select(scores, sparsity));
            if (dynamics.BackwardSparsity is { } backward)
                _trained[i] = Select(scores, Math.Min(backward, sparsity)).ToArray();
        }

        _isComplete = isComplete;
    }

    private bool IsOver(int step) => step >= dynamics.StopFraction * context.Steps && _isComplete;

    private WeightMask Select(IScoreSource scores, double sparsity) =>
        MaskSelector.Select(scores, context.Method!.Pattern, context.Method.Group, sparsity);
}
