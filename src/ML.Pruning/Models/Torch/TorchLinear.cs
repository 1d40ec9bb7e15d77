using ML.Pruning.Checkpoints;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>A linear map x W^T + b, with an adapter if the model has one there.</summary>
/// <remarks>Forward passes may run at once, but not while <see cref="InputObserver"/> is being changed.</remarks>
internal sealed class TorchLinear : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    [ComponentName(Name = "lora_A")]
    private readonly Parameter? _loraA;

    [ComponentName(Name = "lora_B")]
    private readonly Parameter? _loraB;

    [ComponentName(Name = "lora_magnitude")]
    private readonly Parameter? _loraMagnitude;

    private TorchLinear(Parameter weight, Parameter? bias, TorchAdapter? adapter)
        : base(nameof(TorchLinear))
    {
        _weight = weight;
        _bias = bias;
        Adapter = adapter;
        _loraA = adapter?.A;
        _loraB = adapter?.B;
        _loraMagnitude = adapter?.Magnitude;
        RegisterComponents();
    }

    /// <summary>W [outFeatures, inFeatures].</summary>
    public Parameter Weight => _weight;

    /// <summary>b [outFeatures], if there is one.</summary>
    public Parameter? Bias => _bias;

    /// <summary>The adapter, if there is one.</summary>
    public TorchAdapter? Adapter { get; }

    /// <summary>Called with the input [.., inFeatures] of every forward pass, before it. Calibration listens here; the
    /// tensor belongs to the caller of the forward pass.</summary>
    public Action<Tensor>? InputObserver { get; set; }

    /// <summary>Loads the map that a spec describes.</summary>
    /// <param name="spec">Which map, and its shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="type">The type of the weights.</param>
    /// <param name="adapter">The adapter on it, or null.</param>
    /// <returns>The module.</returns>
    /// <exception cref="ModelFormatException">A weight is missing or has another shape.</exception>
    public static TorchLinear Load(LinearSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, ScalarType type,
        AdapterSpec? adapter = null)
    {
        Parameter weight =
            TorchWeights.ToParameter(weights, spec.WeightName, [spec.OutFeatures, spec.InFeatures], type);
        return new TorchLinear(
            weight,
            spec.HasBias ? TorchWeights.ToParameter(weights, spec.BiasName, [spec.OutFeatures], type) : null,
            adapter is null ? null : TorchAdapter.Load(adapter, spec, weight, weights));
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        InputObserver?.Invoke(input);
        Tensor? bias = _bias is null ? null : TorchWeights.As(_bias, input);
        if (Adapter is not null) return Adapter.Forward(input, _weight, bias, training);
        Tensor weight = TorchWeights.As(_weight, input);
        using MatrixProducts.Timing timing = MatrixProducts.Time("linear");
        return nn.functional.linear(input, weight, bias);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) Adapter?.Dispose();
        base.Dispose(disposing);
    }
}
