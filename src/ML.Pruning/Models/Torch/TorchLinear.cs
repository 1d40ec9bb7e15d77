using ML.Pruning.Checkpoints;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>A linear map x W^T + b.</summary>
/// <remarks>Forward passes may run at once, but not while <see cref="InputObserver"/> is being changed.</remarks>
internal sealed class TorchLinear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    private TorchLinear(Parameter weight, Parameter? bias)
        : base(nameof(TorchLinear))
    {
        _weight = weight;
        _bias = bias;
        RegisterComponents();
    }

    /// <summary>W [outFeatures, inFeatures].</summary>
    public Parameter Weight => _weight;

    /// <summary>b [outFeatures], if there is one.</summary>
    public Parameter? Bias => _bias;

    /// <summary>Called with the input [.., inFeatures] of every forward pass, before it. Calibration listens here; the
    /// tensor belongs to the caller of the forward pass.</summary>
    public Action<Tensor>? InputObserver { get; set; }

    /// <summary>Loads the map that a spec describes.</summary>
    /// <param name="spec">Which map, and its shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type to compute in.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchLinear Load(
        LinearSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type) => new(
        TorchWeights.ToParameter(weights, spec.WeightName, [spec.OutFeatures, spec.InFeatures], type),
        spec.HasBias ? TorchWeights.ToParameter(weights, spec.BiasName, [spec.OutFeatures], type) : null);

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        InputObserver?.Invoke(input);
        Tensor? bias = _bias is null ? null : TorchWeights.As(_bias, input);
        Tensor weight = TorchWeights.As(_weight, input);
        using MatrixProducts.Timing timing = MatrixProducts.Time("linear");
        return nn.functional.linear(input, weight, bias);
    }
}
