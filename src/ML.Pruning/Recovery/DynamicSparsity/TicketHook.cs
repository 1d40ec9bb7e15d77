using ML.Pruning.Pruning;
using ML.Pruning.Sparsity;
using TorchSharp.Modules;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary><see cref="LotteryTicket"/> at work.</summary>
internal sealed class TicketHook : TrainingHook
{
    private const string MaskPrefix = "mask.";
    private const string RewindPrefix = "rewind.";
    private const string RoundName = "round";
    private readonly TicketRounds _rounds;
    private readonly DynamicsContext _context;
    private readonly (PlannedTensor Tensor, MaskedParameter Mask)[] _masks;
    private float[][] _rewind;
    private int _round;
    private bool _startsAnew;

    /// <summary>Prepares a run.</summary>
    /// <param name="rounds">When to prune.</param>
    /// <param name="context">The run; its parameters hold the weights at the start.</param>
    public TicketHook(TicketRounds rounds, DynamicsContext context)
    {
        _rounds = rounds;
        _context = context;
        _masks = [.. context.Planned().Select(p => (p.Tensor, new MaskedParameter(p.Tensor.Name, p.Parameter)))];
        _rewind = [.. context.Parameters.Select(p => TrainedParameters.Copy(p.Parameter))];
    }

    /// <inheritdoc/>
    public override double? Sparsity => 1 - _masks.Sum(m => m.Mask.KeptCount) / (double)_masks.Sum(m => m.Mask.Count);

    /// <inheritdoc/>
    public override bool IsComplete => _round == _rounds.Rounds;

    /// <inheritdoc/>
    public override bool StartsAnew => _startsAnew;

    /// <inheritdoc/>
    public override void GradientsReady(int step)
    {
        foreach ((_, MaskedParameter mask) in _masks) mask.MaskGradient();
    }

    /// <inheritdoc/>
    public override void WeightsMoved(int step, TrainedParameters parameters)
    {
        foreach ((_, MaskedParameter mask) in _masks) mask.MaskWeights(parameters);
        int done = step + 1;
        if (done == _rounds.RewindStep) _rewind = parameters.Values();
        _startsAnew = done < _context.Steps && _rounds.RoundOf(done) > _round;
        if (!_startsAnew) return;
        _round = _rounds.RoundOf(done);
        foreach ((PlannedTensor tensor, MaskedParameter mask) in _masks) Prune(tensor, mask);
        parameters.Restart(_rewind);
        foreach ((_, MaskedParameter mask) in _masks) mask.MaskWeights(parameters);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, float[]> Save()
    {
        var state = new Dictionary<string, float[]>(StringComparer.Ordinal) { [RoundName] = [_round] };
        foreach ((PlannedTensor tensor, MaskedParameter mask) in _masks)
            state.Add(MaskPrefix + tensor.Name, mask.ReadMask());
        for (int i = 0; i < _rewind.Length; i++) state.Add(RewindPrefix + _context.Parameters[i].Name, _rewind[i]);
        return state;
    }

    /// <inheritdoc/>
    public override void Load(IReadOnlyDictionary<string, float[]> state)
    {
        _round = (int)state[RoundName][0];
        foreach ((PlannedTensor tensor, MaskedParameter mask) in _masks) mask.Change(state[MaskPrefix + tensor.Name]);
        _rewind = [.. _context.Parameters.Select(p => state[RewindPrefix + p.Name])];
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach ((_, MaskedParameter mask) in _masks) mask.Dispose();
    }

    private void Prune(PlannedTensor tensor, MaskedParameter mask)
    {
        double sparsity = _round == _rounds.Rounds
            ? tensor.Sparsity
            : 1 - Math.Pow(1 - tensor.Sparsity, (double)_round / _rounds.Rounds);
        WeightPruning method = _context.Method!;
        mask.Change(MaskSelector.Select(
            method.ScoresOf(tensor, mask.ReadWeights()), method.Pattern, method.Group, sparsity));
    }
}
