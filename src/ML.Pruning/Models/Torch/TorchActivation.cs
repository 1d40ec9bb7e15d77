using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>The non-linearities.</summary>
internal static class TorchActivation
{
    /// <summary>Applies one, element by element.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="x">Any shape.</param>
    /// <returns>The same shape.</returns>
    public static Tensor Apply(ActivationKind kind, Tensor x) => kind switch
    {
        ActivationKind.Silu => x.silu(),
        ActivationKind.Gelu => x.gelu(),
        ActivationKind.GeluTanh => GeluTanh(x),
        ActivationKind.Relu => x.relu(),
        ActivationKind.Tanh => x.tanh(),
        _ => throw new NotSupportedException($"The activation {kind} is not implemented."),
    };

    // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): Hendrycks and Gimpel 2016, arXiv:1606.08415.
    private static Tensor GeluTanh(Tensor x)
    {
        Tensor inner = x.square().mul(0.044715).add(1).mul(x).mul(Math.Sqrt(2 / Math.PI));
        return inner.tanh().add(1).mul(x).mul(0.5);
    }
}
