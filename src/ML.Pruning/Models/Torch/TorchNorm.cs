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
    private readonly int _hiddenSize;
    private readonly double _gainOffset;

    [ComponentName(Name = "weight")]
    private readonly Parameter? _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private TorchNorm(ModelSpec spec, NormKind kind, Parameter? weight, Parameter? bias)
        : base(nameof(TorchNorm))
    {
        _kind = kind;
        _hiddenSize = spec.HiddenSize;
        _epsilon = spec.NormEpsilon;
        _gainOffset = spec.NormGainOffset;
        _weight = weight;
        _bias = bias;
        RegisterComponents();
    }

    /// <summary>Channels that count, in ascending order, when the others are gone and zero; null = all. They alone are
    /// averaged over, and the others stay zero.</summary>
    public int[]? Channels { get; set; }

    /// <summary>Loads a norm of the residual stream.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="name">Canonical name, without ".weight".</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchNorm Load(
        ModelSpec spec, string name, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type) => new(
        spec, spec.Norm,
        spec.Norm == NormKind.PlainRmsNorm ? null
            : TorchWeights.ToParameter(weights, name + ".weight", [spec.HiddenSize], type),
        spec.NormsHaveBias ? TorchWeights.ToParameter(weights, name + ".bias", [spec.HiddenSize], type) : null);

    /// <summary>Loads the norm of each query or key head, which is always an RMSNorm.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="headSize">Width of a head.</param>
    /// <param name="name">Canonical name, without ".weight".</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">The weight is missing or has another shape.</exception>
    public static TorchNorm LoadForHeads(ModelSpec spec, int headSize, string name,
        IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type) => new(
        spec, NormKind.RmsNorm, TorchWeights.ToParameter(weights, name + ".weight", [headSize], type), null);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? gain = _weight is null ? null : TorchWeights.As(_weight, input);
        if (_gainOffset != 0) gain = gain?.add(_gainOffset);
        Tensor? bias = _bias is null ? null : TorchWeights.As(_bias, input);
        if (Channels is null) return Normalize(input, gain, bias).MoveToOuterDisposeScope();
        Tensor kept = tensor(Channels.Select(c => (long)c).ToArray(), dtype: ScalarType.Int64);
        Tensor normed =
            Normalize(input.index_select(-1, kept), gain?.index_select(0, kept), bias?.index_select(0, kept));
        return zeros_like(input).index_copy_(-1, kept, normed).MoveToOuterDisposeScope();
    }

    private Tensor Normalize(Tensor input, Tensor? gain, Tensor? bias)
    {
        if (_kind == NormKind.LayerNorm)
            return nn.functional.layer_norm(input, [input.shape[^1]], gain!, bias, _epsilon);

        Tensor x = input.to_type(TorchWeights.Wide(input.dtype));
        if (_kind == NormKind.PlainRmsNorm)
        {
            Tensor mean = x.square().sum(-1, keepdim: true).div(_hiddenSize);
            return x.mul(mean.add(_epsilon).rsqrt()).to_type(input.dtype);
        }

        Tensor scale = x.square().mean([-1], keepdim: true).add(_epsilon).rsqrt();
        return x.mul(scale).to_type(input.dtype).mul(gain!);
    }
}
