using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>RMSNorm or LayerNorm over the last dimension; RMSNorm in float32 whatever the weights' type.</summary>
internal sealed class TorchNorm : nn.Module<Tensor, Tensor>
{
    private readonly NormKind _kind;
    private readonly double _epsilon;

    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private TorchNorm(NormKind kind, double epsilon, Parameter weight, Parameter? bias)
        : base(nameof(TorchNorm))
    {
        _kind = kind;
        _epsilon = epsilon;
        _weight = weight;
        _bias = bias;
        RegisterComponents();
    }

    /// <summary>Loads a norm of a model.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weightName">Canonical name of the gain.</param>
    /// <param name="biasName">Canonical name of the bias, read for LayerNorm only.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchNorm Load(ModelSpec spec, string weightName, string biasName,
        IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type)
    {
        long[] shape = [spec.HiddenSize];
        return new TorchNorm(spec.Norm, spec.NormEpsilon,
            TorchWeights.ToParameter(weights, weightName, shape, type),
            spec.Norm == NormKind.LayerNorm ? TorchWeights.ToParameter(weights, biasName, shape, type) : null);
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        if (_kind == NormKind.LayerNorm)
        {
            Tensor? bias = _bias is null ? null : TorchWeights.As(_bias, input);
            return nn.functional.layer_norm(
                input, [_weight.shape[0]], TorchWeights.As(_weight, input), bias, _epsilon).MoveToOuterDisposeScope();
        }

        Tensor x = input.to_type(TorchWeights.Wide(input.dtype));
        Tensor scale = x.square().mean([-1], keepdim: true).add(_epsilon).rsqrt();
        return x.mul(scale).to_type(input.dtype).mul(TorchWeights.As(_weight, input)).MoveToOuterDisposeScope();
    }
}
