namespace TorchSharp.Modules;

/// <summary>Marks modules without parameters or buffers.</summary>
public interface IParameterLessModule
{
}
