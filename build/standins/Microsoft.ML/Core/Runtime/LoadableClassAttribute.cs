using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>
/// Names the class that a signature and a load name stand for, and the type whose constructor or Create makes it.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(Type instType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(null, instType, instType, argType, [sigType], userName, loadNames)
    {
    }

    public LoadableClassAttribute(Type instType, Type loaderType, Type argType, Type sigType, string userName,
        params string[] loadNames)
        : base(null, instType, loaderType, argType, [sigType], userName, loadNames)
    {
    }

    public LoadableClassAttribute(Type instType, Type argType, Type[] sigTypes, string userName,
        params string[] loadNames)
        : base(null, instType, instType, argType, sigTypes, userName, loadNames)
    {
    }

    public LoadableClassAttribute(Type instType, Type loaderType, Type argType, Type[] sigTypes, string userName,
        params string[] loadNames)
        : base(null, instType, loaderType, argType, sigTypes, userName, loadNames)
    {
    }

    public LoadableClassAttribute(string summary, Type instType, Type argType, Type sigType, string userName,
        params string[] loadNames)
        : base(summary, instType, instType, argType, [sigType], userName, loadNames)
    {
    }

    public LoadableClassAttribute(string summary, Type instType, Type loaderType, Type argType, Type sigType,
        string userName, params string[] loadNames)
        : base(summary, instType, loaderType, argType, [sigType], userName, loadNames)
    {
    }

    public LoadableClassAttribute(string summary, Type instType, Type argType, Type[] sigTypes, string userName,
        params string[] loadNames)
        : base(summary, instType, instType, argType, sigTypes, userName, loadNames)
    {
    }

    public LoadableClassAttribute(string summary, Type instType, Type loaderType, Type argType, Type[] sigTypes,
        string userName, params string[] loadNames)
        : base(summary, instType, loaderType, argType, sigTypes, userName, loadNames)
    {
    }
}

internal abstract class LoadableClassAttributeBase : Attribute
{
    protected LoadableClassAttributeBase(string summary, Type instType, Type loaderType, Type argType, Type[] sigTypes,
        string userName, params string[] loadNames)
    {
        Contracts.CheckValue(instType, nameof(instType));
        Contracts.CheckValue(loaderType, nameof(loaderType));
        Contracts.CheckParam(sigTypes is { Length: > 0 }, nameof(sigTypes), "LoadableClass needs a signature type");
        if (loadNames is not { Length: > 0 }) loadNames = [userName];
        Contracts.CheckParam(!loadNames.Any(string.IsNullOrWhiteSpace), nameof(loadNames),
            "LoadableClass loadName parameter can't be empty");

        Type[] parameters = ParametersOf(sigTypes[0]);
        Contracts.CheckParam(sigTypes.All(s => ParametersOf(s).SequenceEqual(parameters)), nameof(sigTypes),
            "LoadableClass signatures must have the same set of parameters");

        InstanceType = instType;
        LoaderType = loaderType;
        SigTypes = sigTypes;
        CtorTypes = argType == null ? parameters : [argType, .. parameters];
        LoadNames = loadNames;
    }

    public Type InstanceType { get; }

    public Type LoaderType { get; }

    public Type[] SigTypes { get; }

    public Type[] CtorTypes { get; }

    public string[] LoadNames { get; }

    private static Type[] ParametersOf(Type signature)
    {
        Contracts.CheckParam(signature?.BaseType == typeof(MulticastDelegate), "sigTypes",
            "LoadableClass signature type must be a delegate type");
        return [.. signature.GetMethod("Invoke").GetParameters().Select(p => p.ParameterType)];
    }
}
