namespace System.Runtime.CompilerServices;

/// <summary>Tells the runtime that this assembly may use the internals of another.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    /// <summary>Name of the other assembly.</summary>
    public string AssemblyName { get; } = assemblyName;
}
