using ML.Pruning.Checkpoints;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>A low-rank adapter at work on a linear map (<see cref="AdapterSpec"/>).</summary>
/// <remarks>Its parameters are float32 (float64 if the weight is) whatever the model computes in. Where the update is
/// masked or its rows are scaled, the changed weight is made in each forward pass: outFeatures x inFeatures x rank
/// multiplications beside those of the map. The parameters belong to the module of the map.</remarks>
internal sealed class TorchAdapter : IDisposable
{
    private readonly AdapterSpec _spec;
    private readonly Tensor? _mask;

    private TorchAdapter(AdapterSpec spec, Parameter a, Parameter b, Parameter? magnitude, Tensor? mask)
    {
        _spec = spec;
        A = a;
        B = b;
        Magnitude = magnitude;
        _mask = mask;
    }

    /// <summary>A [rank, inFeatures].</summary>
    public Parameter A { get; }

    /// <summary>B [outFeatures, rank].</summary>
    public Parameter B { get; }

    /// <summary>m [outFeatures], if there is one.</summary>
    public Parameter? Magnitude { get; }

    /// <summary>Dropout of the adapter's input while training; null = none.</summary>
    public AdapterDropout? Dropout { get; set; }

    /// <summary>Loads an adapter.</summary>
    /// <param name="spec">The adapter.</param>
    /// <param name="linear">The map that it is on.</param>
    /// <param name="weight">The map's weight.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <returns>The adapter; the caller disposes it and its parameters.</returns>
    /// <exception cref="ModelFormatException">A tensor is missing or has another shape.</exception>
    public static TorchAdapter Load(AdapterSpec spec, LinearSpec linear, Parameter weight,
        IReadOnlyDictionary<string, StoredTensor> weights)
    {
        ScalarType type = TorchWeights.Wide(weight.dtype);
        Parameter[] parameters = [.. spec.Parameters(linear)
            .Select(p => TorchWeights.ToParameter(weights, p.Name, [.. p.Shape], type))];
        Tensor? mask = null;
        if (spec.KeepsZeros)
        {
            using IDisposable noGrad = no_grad();
            using Tensor kept = weight.ne(0);
            mask = kept.to_type(type).DetachFromDisposeScope();
        }

        return new TorchAdapter(
            spec, parameters[0], parameters[1], spec.HasMagnitude ? parameters[2] : null, mask);
    }

    /// <summary>The map with its adapter.</summary>
    /// <param name="input">x [.., inFeatures].</param>
    /// <param name="weight">W [outFeatures, inFeatures].</param>
    /// <param name="bias">b [outFeatures] in the type of the input, or null.</param>
    /// <param name="isTraining">Whether dropout applies.</param>
    /// <returns>[.., outFeatures].</returns>
    public Tensor Forward(Tensor input, Parameter weight, Tensor? bias, bool isTraining)
    {
        using DisposeScope scope = NewDisposeScope();
        AdapterDropout? dropout = isTraining ? Dropout : null;
        Tensor result = _mask is null && Magnitude is null
            ? Beside(input, weight, bias, dropout)
            : nn.functional.linear(input, Changed(weight, dropout).to_type(input.dtype), bias);
        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() => _mask?.Dispose();

    // W x + s B (A x): two thin products beside the map.
    private Tensor Beside(Tensor input, Parameter weight, Tensor? bias, AdapterDropout? dropout)
    {
        Tensor inner = dropout is null ? input : dropout.Apply(input);
        Tensor update = nn.functional.linear(
            nn.functional.linear(inner, TorchWeights.As(A, input)), TorchWeights.As(B, input));
        return nn.functional.linear(input, TorchWeights.As(weight, input), bias).add(update, alpha: _spec.Scale);
    }

    // W + s M * (B A), its rows scaled to m. Dropout leaves out columns of A, that is, inputs for the whole batch.
    private Tensor Changed(Parameter weight, AdapterDropout? dropout)
    {
        Tensor update = B.mul(_spec.Scale).matmul(dropout is null ? A : dropout.ApplyToColumns(A));
        if (_mask is not null) update = update.mul(_mask);
        Tensor changed = weight.to_type(A.dtype).add(update);
        if (Magnitude is null) return changed;

        // The length counts as a constant for the gradient (arXiv:2402.09353, section 4.3).
        Tensor length = changed.detach().square().sum(1, keepdim: true).sqrt();
        Tensor factor = Magnitude.unsqueeze(1).div(length.clamp_min(1e-12));
        return changed.mul(factor);
    }
}
