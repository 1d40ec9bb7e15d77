namespace TorchSharp.Modules;

/// <summary>What an optimizer remembers of one parameter.</summary>
public abstract class OptimizerState
{
    protected Parameter _parameter;

    protected OptimizerState(Parameter parameter) => _parameter = parameter;

    public abstract void Initialize(OptimizerOptions options);

    /// <summary>A tensor of the parameter's shape and type that outlives the current scope.</summary>
    private protected torch.Tensor NewTensor() => torch.zeros_like(_parameter).DetachFromDisposeScope();
}
