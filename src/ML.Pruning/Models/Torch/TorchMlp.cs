using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>The MLP of a layer: down(act(gate(x)) * up(x)), or down(act(up(x))) without a gate.</summary>
internal sealed class TorchMlp : nn.Module<Tensor, Tensor>
{
    private readonly ActivationKind _activation;

    [ComponentName(Name = "gate_proj")]
    private readonly TorchLinear? _gate;

    [ComponentName(Name = "up_proj")]
    private readonly TorchLinear _up;

    [ComponentName(Name = "down_proj")]
    private readonly TorchLinear _down;

    /// <summary>Puts the projections of a layer together.</summary>
    /// <param name="activation">The non-linearity.</param>
    /// <param name="linears">The linear maps of the layer by part; gated when there is a gate.</param>
    public TorchMlp(ActivationKind activation, IReadOnlyDictionary<string, TorchLinear> linears)
        : base(nameof(TorchMlp))
    {
        _activation = activation;
        _gate = linears.GetValueOrDefault(TensorNames.Gate);
        _up = linears[TensorNames.Up];
        _down = linears[TensorNames.Down];
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inner = TorchActivation.Apply(_activation, (_gate ?? _up).forward(input));
        if (_gate is not null)
        {
            // These are the widest tensors of a layer: without gradients one of them is spared.
            Tensor up = _up.forward(input);
            inner = is_grad_enabled() ? inner.mul(up) : inner.mul_(up);
        }

        return _down.forward(inner).MoveToOuterDisposeScope();
    }
}
