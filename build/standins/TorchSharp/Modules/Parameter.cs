namespace TorchSharp.Modules;

/// <summary>A tensor that a module learns.</summary>
/// <remarks>The constructor takes the native tensor over and leaves <c>data</c> empty, as the real one does.</remarks>
public class Parameter : torch.Tensor
{
    public Parameter(torch.Tensor data, bool requires_grad = true)
        : base(data)
    {
        this.requires_grad = requires_grad;
    }
}
