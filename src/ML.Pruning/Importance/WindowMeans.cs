using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Importance;

/// <summary>How strongly each input channel of a linear map is active: the L2 norm over windows of the mean of |x| over
/// the window's tokens.</summary>
/// <remarks>Muralidharan et al. 2024, arXiv:2407.14679 (Minitron), section 2.2, with the aggregation (L2 over the
/// batch, mean over the sequence) that its authors chose. Means in the precision of the computation, sums in float64.
/// Not thread-safe.</remarks>
/// <param name="features">Input features.</param>
internal sealed class WindowMeans(int features)
{
    private readonly double[] _sumOfSquares = new double[features];

    /// <summary>The norms [features].</summary>
    public double[] Norms => [.. _sumOfSquares.Select(Math.Sqrt)];

    /// <summary>Adds windows.</summary>
    /// <param name="inputs">Inputs [windows, length, features].</param>
    public void Add(Tensor inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor means = inputs.to_type(ScalarType.Float64).abs().mean([1]);
        Tensor squares = means.square().sum(dim: 0).contiguous();
        System.Numerics.Tensors.TensorPrimitives.Add(
            _sumOfSquares, MemoryMarshal.Cast<byte, double>(squares.bytes), _sumOfSquares);
    }
}
