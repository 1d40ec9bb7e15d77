using ML.Pruning.Calibration;
using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Directions of the residual stream that are kept: orthonormal columns.</summary>
/// <remarks>Not thread-safe; dispose it.</remarks>
internal sealed class StreamBasis : IDisposable
{
    private readonly Tensor _single;

    private StreamBasis(Tensor directions, double lostEnergy)
    {
        Directions = directions.DetachFromDisposeScope();
        using DisposeScope scope = NewDisposeScope();
        _single = directions.to_type(ScalarType.Float32).DetachFromDisposeScope();
        LostEnergy = lostEnergy;
    }

    /// <summary>Q [D, d], float64.</summary>
    public Tensor Directions { get; }

    /// <summary>The fraction of the signals' sum of squares that is not in the kept directions, in [0, 1].</summary>
    public double LostEnergy { get; }

    /// <summary>All directions as they are.</summary>
    /// <param name="width">D.</param>
    public static StreamBasis Identity(int width)
    {
        using DisposeScope scope = NewDisposeScope();
        return new StreamBasis(eye(width, dtype: ScalarType.Float64), 0);
    }

    /// <summary>The principal components of signals.</summary>
    /// <param name="states">The signals.</param>
    /// <param name="width">How wide they are: D.</param>
    /// <param name="kept">How many components stay: d.</param>
    /// <param name="orientation">How these are turned.</param>
    /// <param name="random">For a random orientation.</param>
    /// <exception cref="PruningException">The signals are not finite.</exception>
    public static StreamBasis Of(
        ResidualStream states, int width, int kept, SliceOrientation orientation, Random random)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using var sum = new HessianSum(width);
        states.Observe(sum.Add);
        Tensor moments = sum.ToHessian(2);
        if (!double.IsFinite(moments.sum().ToDouble()))
        {
            throw new PruningException("The residual stream is NaN or infinite on the calibration text; the model's "
                + "weights are damaged.");
        }

        // Eigenvalues ascend.
        (Tensor energies, Tensor vectors) = linalg.eigh(moments);
        Tensor directions = vectors.narrow(1, width - kept, kept).flip(1);
        double all = energies.sum().ToDouble();
        double lost = kept == width ? 0 : energies.narrow(0, 0, width - kept).clamp_min(0).sum().ToDouble();
        if (orientation == SliceOrientation.Random) directions = directions.matmul(RandomRotation(kept, random));
        return new StreamBasis(directions.contiguous(), all > 0 ? lost / all : 0);
    }

    /// <summary>What is left of signals, in the directions that they had.</summary>
    /// <param name="states">[.., D], float32.</param>
    /// <returns>x Q Q^T, [.., D].</returns>
    public Tensor Project(Tensor states) => states.matmul(_single).matmul(_single.t());

    /// <inheritdoc/>
    public void Dispose()
    {
        Directions.Dispose();
        _single.Dispose();
    }

    // The eigenvectors of a symmetric matrix of Gaussian numbers are uniformly distributed rotations.
    private static Tensor RandomRotation(int size, Random random)
    {
        var numbers = new double[size * size];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()))
                * Math.Cos(2 * Math.PI * random.NextDouble());
        }

        Tensor square = tensor(numbers, [size, size]);
        return linalg.eigh(square.add(square.t())).Item2;
    }
}
