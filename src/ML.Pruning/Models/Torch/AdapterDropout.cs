using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>Dropout with a generator of its own, so that a run can be repeated from any step.</summary>
/// <remarks>Srivastava et al. 2014: an element is 0 with probability p, else divided by 1 - p. Not
/// thread-safe.</remarks>
/// <param name="probability">p, in [0, 1).</param>
internal sealed class AdapterDropout(double probability) : IDisposable
{
    private readonly Generator _generator = new(0);

    /// <summary>Starts the sequence of a step.</summary>
    /// <param name="seed">The seed.</param>
    public void Seed(long seed) => _generator.manual_seed(seed);

    /// <summary>Drops elements.</summary>
    /// <param name="input">Any shape.</param>
    /// <returns>A tensor of the caller's scope.</returns>
    public Tensor Apply(Tensor input) => input.mul(Mask(input.shape, input.dtype));

    /// <summary>Drops whole columns.</summary>
    /// <param name="matrix">[rows, columns].</param>
    /// <returns>A tensor of the caller's scope.</returns>
    public Tensor ApplyToColumns(Tensor matrix) => matrix.mul(Mask([1, matrix.shape[1]], matrix.dtype));

    /// <inheritdoc/>
    public void Dispose() => _generator.Dispose();

    private Tensor Mask(long[] shape, ScalarType type)
    {
        using IDisposable noGrad = no_grad();
        Tensor mask = empty(shape, dtype: type);
        mask.bernoulli_(1 - probability, _generator);
        mask.mul_(1 / (1 - probability));
        return mask;
    }
}
