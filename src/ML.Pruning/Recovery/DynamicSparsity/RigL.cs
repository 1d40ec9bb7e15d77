using System.Numerics.Tensors;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>RigL: what comes back are the weights with the largest gradients.</summary>
/// <remarks>Evci et al. 2020, arXiv:1911.11134, algorithm 1. See <see cref="DropAndGrow"/>.</remarks>
public sealed record RigL : DropAndGrow
{
    /// <inheritdoc/>
    public override string Name => "rigl";

    /// <inheritdoc/>
    internal override float[] Growth(MaskedParameter mask, Random random)
    {
        float[] gradient = mask.ReadGradient();
        TensorPrimitives.Abs(gradient, gradient);
        return gradient;
    }
}
