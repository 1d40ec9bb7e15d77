using ML.Pruning.Sparsity;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ML.Pruning.Recovery;

/// <summary>A weight matrix in training with its mask.</summary>
/// <remarks>Not thread-safe. Disposing it leaves the parameter alone.</remarks>
internal sealed class MaskedParameter : IDisposable
{
    /// <summary>Starts with what is not zero.</summary>
    /// <param name="name">Canonical name.</param>
    /// <param name="parameter">W [rows, columns].</param>
    public MaskedParameter(string name, Parameter parameter)
    {
        Name = name;
        Parameter = parameter;
        using IDisposable noGrad = no_grad();
        using Tensor kept = parameter.ne(0);
        Mask = kept.to_type(parameter.dtype).DetachFromDisposeScope();
        CountKept();
    }

    /// <summary>Canonical name.</summary>
    public string Name { get; }

    /// <summary>W [rows, columns].</summary>
    public Parameter Parameter { get; }

    /// <summary>Of W's shape and type: 1 where a weight is kept, 0 where it is removed.</summary>
    public Tensor Mask { get; }

    /// <summary>Weights that are kept.</summary>
    public long KeptCount { get; private set; }

    /// <summary>Rows.</summary>
    public int Rows => (int)Parameter.shape[0];

    /// <summary>Columns.</summary>
    public int Columns => (int)Parameter.shape[1];

    /// <summary>Number of weights.</summary>
    public long Count => (long)Rows * Columns;

    /// <summary>Whether the mask changed since the optimizer's memory was last cleared.</summary>
    public bool IsChanged { get; private set; }

    /// <summary>The weights now.</summary>
    /// <returns>[rows, columns], row-major float32.</returns>
    public float[] ReadWeights() => TrainedParameters.Copy(Parameter);

    /// <summary>The gradient of all weights, removed ones included.</summary>
    /// <returns>[rows, columns], row-major float32.</returns>
    public float[] ReadGradient()
    {
        using Tensor gradient = Parameter.grad!;
        return TrainedParameters.Copy(gradient);
    }

    /// <summary>The mask as numbers.</summary>
    /// <returns>1 or 0, [rows, columns], row-major.</returns>
    public float[] ReadMask() => TrainedParameters.Copy(Mask);

    /// <summary>Changes the mask; what is removed becomes 0.</summary>
    /// <param name="mask">[rows, columns].</param>
    public void Change(WeightMask mask) => Change(mask.ToArray());

    /// <summary>Changes the mask; what is removed becomes 0.</summary>
    /// <param name="mask">1 or 0, [rows, columns], row-major.</param>
    public void Change(float[] mask)
    {
        using IDisposable noGrad = no_grad();
        using (DisposeScope scope = NewDisposeScope()) Mask.copy_(tensor(mask, [Rows, Columns]));
        CountKept();
        Parameter.mul_(Mask);
        IsChanged = true;
    }

    /// <summary>Sets the gradients of removed weights to 0.</summary>
    public void MaskGradient()
    {
        using IDisposable noGrad = no_grad();
        using Tensor? gradient = Parameter.grad;
        gradient?.mul_(Mask);
    }

    /// <summary>Sets removed weights to 0, and has the optimizer forget what it knows of weights removed
    /// lately.</summary>
    /// <param name="parameters">What is trained.</param>
    public void MaskWeights(TrainedParameters parameters)
    {
        using IDisposable noGrad = no_grad();
        Parameter.mul_(Mask);
        if (IsChanged) parameters.MaskMoments(Parameter, Mask);
        IsChanged = false;
    }

    /// <inheritdoc/>
    public void Dispose() => Mask.Dispose();

    private void CountKept()
    {
        using Tensor kept = Mask.count_nonzero();
        KeptCount = kept.ToInt64();
    }
}
