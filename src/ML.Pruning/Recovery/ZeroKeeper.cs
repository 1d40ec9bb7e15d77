using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>Keeps the zeros of parameters by zeroing their gradients, which AdamW's moments, update and decay all
/// preserve.</summary>
internal sealed class ZeroKeeper : TrainingHook
{
    private readonly (Parameter Parameter, Tensor Mask)[] _masks;

    /// <summary>Notes where the zeros are.</summary>
    /// <param name="parameters">Parameters whose zeros are a mask.</param>
    public ZeroKeeper(IEnumerable<Parameter> parameters)
    {
        using IDisposable noGrad = no_grad();
        _masks = [.. parameters.Select(p => (p, p.ne(0).to_type(p.dtype).DetachFromDisposeScope()))];
        long count = _masks.Sum(m => m.Mask.numel());
        if (count > 0) Sparsity = 1 - _masks.Sum(Kept) / count;
    }

    /// <inheritdoc/>
    public override double? Sparsity { get; }

    /// <inheritdoc/>
    public override void GradientsReady(int step)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        foreach ((Parameter parameter, Tensor mask) in _masks) parameter.grad?.mul_(mask);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        foreach ((_, Tensor mask) in _masks) mask.Dispose();
    }

    private static double Kept((Parameter Parameter, Tensor Mask) entry)
    {
        using Tensor sum = entry.Mask.sum(ScalarType.Float64);
        return sum.ToDouble();
    }
}
