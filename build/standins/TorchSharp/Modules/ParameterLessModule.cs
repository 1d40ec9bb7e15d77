namespace TorchSharp.Modules;

/// <summary>A module without state: registering something with it is an error.</summary>
public abstract class ParameterLessModule<T1, TResult> : torch.nn.Module<T1, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name)
        : base(name)
    {
    }

    public override void register_buffer(string name, torch.Tensor tensor, bool persistent = true) =>
        throw new InvalidOperationException("Cannot register a buffer with a parameter-less module.");

    public override void register_module(string name, torch.nn.Module submodule) =>
        throw new InvalidOperationException("Cannot register a sub-module with a parameter-less module.");

    public override void register_parameter(string name, Parameter param) =>
        throw new InvalidOperationException("Cannot register a parameter with a parameter-less module.");
}
