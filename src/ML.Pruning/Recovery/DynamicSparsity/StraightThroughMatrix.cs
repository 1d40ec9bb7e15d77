using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>A weight matrix of which the model sees only what its mask leaves, while what is hidden is kept.</summary>
/// <remarks>Between two steps the parameter holds the masked weights, so that its gradient is that of all weights by
/// which the model computes. Not thread-safe. Disposing it leaves the parameter alone.</remarks>
internal sealed class StraightThroughMatrix : IDisposable
{
    private readonly Tensor _all;

    /// <summary>Starts with all weights shown.</summary>
    /// <param name="name">Canonical name.</param>
    /// <param name="parameter">W [rows, columns].</param>
    public StraightThroughMatrix(string name, Parameter parameter)
    {
        Masked = new MaskedParameter(name, parameter);
        using IDisposable noGrad = no_grad();
        _all = parameter.detach().clone().DetachFromDisposeScope();
        var ones = new float[Masked.Count];
        Array.Fill(ones, 1);
        Masked.Change(ones);
    }

    /// <summary>The parameter with its mask.</summary>
    public MaskedParameter Masked { get; }

    /// <summary>All weights, hidden ones included.</summary>
    /// <returns>[rows, columns], row-major float32.</returns>
    public float[] ReadAll() => TrainedParameters.Copy(_all);

    /// <summary>Puts all weights into the parameter, so that the optimizer moves them.</summary>
    public void ShowAll()
    {
        using IDisposable noGrad = no_grad();
        Masked.Parameter.copy_(_all);
    }

    /// <summary>Keeps what the parameter holds as all weights.</summary>
    public void Keep()
    {
        using IDisposable noGrad = no_grad();
        _all.copy_(Masked.Parameter);
    }

    /// <summary>Keeps other values as all weights.</summary>
    /// <param name="values">[rows, columns], row-major.</param>
    public void Keep(float[] values)
    {
        using IDisposable noGrad = no_grad();
        using Tensor all = tensor(values, [Masked.Rows, Masked.Columns]);
        _all.copy_(all);
    }

    /// <summary>Puts the masked weights into the parameter.</summary>
    public void ShowMasked()
    {
        using IDisposable noGrad = no_grad();
        Masked.Parameter.copy_(_all);
        Masked.Parameter.mul_(Masked.Mask);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _all.Dispose();
        Masked.Dispose();
    }
}
