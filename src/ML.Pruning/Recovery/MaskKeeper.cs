using TorchSharp.Modules;

namespace ML.Pruning.Recovery;

/// <summary>Keeps what masks remove at zero: its gradient is set to 0, the optimizer forgets it, and after each step
/// the masks are applied to the weights.</summary>
internal sealed class MaskKeeper : TrainingHook
{
    private const string MaskPrefix = "mask.";
    private const string UpdatePrefix = "update.";
    private readonly MaskedParameter[] _masks;
    private readonly MaskUpdate? _update;

    /// <summary>Starts with the zeros that are there.</summary>
    /// <param name="parameters">The matrices by canonical name.</param>
    /// <param name="update">Changes the masks; null = they stay.</param>
    public MaskKeeper(IEnumerable<(string Name, Parameter Parameter)> parameters, MaskUpdate? update = null)
    {
        _masks = [.. parameters.Select(p => new MaskedParameter(p.Name, p.Parameter))];
        _update = update;
    }

    /// <inheritdoc/>
    public override double? Sparsity => _masks.Length == 0 ? null
        : 1 - _masks.Sum(m => m.KeptCount) / (double)_masks.Sum(m => m.Count);

    /// <inheritdoc/>
    public override bool IsComplete => _update?.IsComplete ?? true;

    /// <inheritdoc/>
    public override bool SkipsStep => _update?.SkipsStep ?? false;

    /// <inheritdoc/>
    public override void GradientsReady(int step)
    {
        _update?.Update(step, _masks);
        foreach (MaskedParameter mask in _masks) mask.MaskGradient();
    }

    /// <inheritdoc/>
    public override void WeightsMoved(int step, TrainedParameters parameters)
    {
        foreach (MaskedParameter mask in _masks) mask.MaskWeights(parameters);
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, float[]> Save()
    {
        // Masks that stay are those of the start.
        var state = new Dictionary<string, float[]>(StringComparer.Ordinal);
        if (_update is null) return state;
        foreach (MaskedParameter mask in _masks) state.Add(MaskPrefix + mask.Name, mask.ReadMask());
        foreach ((string name, float[] values) in _update.Save()) state.Add(UpdatePrefix + name, values);
        return state;
    }

    /// <inheritdoc/>
    public override void Load(IReadOnlyDictionary<string, float[]> state)
    {
        if (_update is null) return;
        foreach (MaskedParameter mask in _masks) mask.Change(state[MaskPrefix + mask.Name]);
        _update.Load(state.Where(s => s.Key.StartsWith(UpdatePrefix, StringComparison.Ordinal))
            .ToDictionary(s => s.Key[UpdatePrefix.Length..], s => s.Value, StringComparer.Ordinal));
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach (MaskedParameter mask in _masks) mask.Dispose();
    }
}
