namespace ML.Pruning.Models;

/// <summary>What a parameter tensor is for.</summary>
public enum ParameterRole
{
    /// <summary>Token or position embedding.</summary>
    Embedding,

    /// <summary>Gain or bias of a norm.</summary>
    Norm,

    /// <summary>Weight matrix of a linear map inside a layer: what pruning acts on.</summary>
    Linear,

    /// <summary>Bias of a linear map.</summary>
    Bias,

    /// <summary>Language-model head.</summary>
    Head,

    /// <summary>Part of a low-rank adapter.</summary>
    Adapter,

    /// <summary>Matrix that takes the residual stream of a rotated model from one basis to the next.</summary>
    Shortcut,
}

/// <summary>One parameter tensor that a <see cref="ModelSpec"/> calls for.</summary>
/// <param name="Name">Canonical name (<see cref="TensorNames"/>).</param>
/// <param name="Shape">Shape; a linear weight is [outFeatures, inFeatures].</param>
/// <param name="Role">What it is for.</param>
/// <param name="Layer">The layer it belongs to, or -1.</param>
/// <param name="Part">The part of the layer, such as <see cref="TensorNames.Query"/>, or empty.</param>
public sealed record ParameterSpec(string Name, IReadOnlyList<long> Shape, ParameterRole Role, int Layer, string Part)
{
    /// <summary>Number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, n) => checked(product * n));
}
