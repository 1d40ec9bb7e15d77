namespace ML.Pruning.Models;

/// <summary>One linear map of a layer.</summary>
/// <param name="Layer">Layer, from 0.</param>
/// <param name="Part">Which one, such as <see cref="TensorNames.Query"/>.</param>
/// <param name="OutFeatures">Rows of the weight.</param>
/// <param name="InFeatures">Columns of the weight.</param>
/// <param name="HasBias">Whether it has a bias [outFeatures].</param>
public sealed record LinearSpec(int Layer, string Part, int OutFeatures, int InFeatures, bool HasBias)
{
    /// <summary>Canonical name of the weight [outFeatures, inFeatures].</summary>
    public string WeightName => TensorNames.Weight(Layer, Part);

    /// <summary>Canonical name of the bias [outFeatures].</summary>
    public string BiasName => TensorNames.Bias(Layer, Part);

    /// <summary>Whether the map belongs to attention rather than to the MLP.</summary>
    public bool IsAttention => Part.StartsWith("self_attn.", StringComparison.Ordinal);

    /// <summary>The parameter tensors of the map.</summary>
    /// <returns>The weight and, if there is one, the bias.</returns>
    public IEnumerable<ParameterSpec> Parameters()
    {
        yield return new(WeightName, [OutFeatures, InFeatures], ParameterRole.Linear, Layer, Part);
        if (HasBias) yield return new(BiasName, [OutFeatures], ParameterRole.Bias, Layer, Part);
    }
}
