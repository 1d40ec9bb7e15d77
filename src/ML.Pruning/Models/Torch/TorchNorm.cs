using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>RMSNorm or LayerNorm over the last dimension, as <see cref="ModelSpec.Norm"/> says; RMSNorm in float32
/// whatever the weights' type.</summary>
internal sealed class TorchNorm : nn.Module<Tensor, Tensor>
{
    private readonly NormKind _kind;
    private readonly double _epsilon;
    private readonly double _gainOffset;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private TorchNorm(ModelSpec spec, Parameter weight, Parameter? bias)
        : base(nameof(TorchNorm))
    {
        _kind = spec.Norm;
        _epsilon = spec.NormEpsilon;
        _gainOffset = spec.NormGainOffset;
        _weight = weight;
        _bias = bias;
        RegisterComponents();
    }

    /// <summary>Loads a norm of a model.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="width">Elements that are normed together.</param>
    /// <param name="name">Canonical name, without ".weight".</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchNorm Load(ModelSpec spec, int width, string name,
        IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type) => new(
        spec,
        TorchWeights.ToParameter(weights, name + ".weight", [width], type),
        spec.NormsHaveBias ? TorchWeights.ToParameter(weights, name + ".bias", [width], type) : null);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        if (_kind == NormKind.LayerNorm)
        {
            Tensor? bias = _bias is null ? null : TorchWeights.As(_bias, input);
            return nn.functional.layer_norm(input, [_weight.shape[0]], Gain(input), bias, _epsilon)
                .MoveToOuterDisposeScope();
        }

        Tensor x = input.to_type(TorchWeights.Wide(input.dtype));
        Tensor scale = x.square().mean([-1], keepdim: true).add(_epsilon).rsqrt();
        return x.mul(scale).to_type(input.dtype).mul(Gain(input)).MoveToOuterDisposeScope();
    }

    private Tensor Gain(Tensor input)
    {
        Tensor weight = TorchWeights.As(_weight, input);
        return _gainOffset == 0 ? weight : weight.add(_gainOffset);
    }
}
