using System.Reflection;

namespace Microsoft.ML.Runtime;

public sealed class ComponentCatalog
{
    private const BindingFlags AnyAccess = BindingFlags.Public | BindingFlags.NonPublic;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _assemblies = [];
    private readonly Dictionary<(string LowerCaseName, Type Signature), LoadableClassInfo> _classes = [];

    internal ComponentCatalog()
    {
    }

    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        lock (_lock)
        {
            if (!_assemblies.Add(assembly.FullName)) return;
            foreach (LoadableClassAttributeBase attribute in
                     assembly.GetCustomAttributes(typeof(LoadableClassAttributeBase)))
            {
                MethodBase maker = FindMaker(attribute, out bool takesEnvironment);
                if (maker == null && throwOnError)
                    throw Contracts.Except(null, $"Can't instantiate loadable class '{attribute.InstanceType.Name}' " +
                        $"with name '{attribute.LoadNames[0]}'");
                AddClass(new LoadableClassInfo(attribute, maker, takesEnvironment), attribute, throwOnError);
            }
            // The real one looks at every type for extensions, and so loads what their base types and fields come from.
            _ = assembly.GetTypes();
        }
    }

    /// <summary>False if no class of that name and signature is registered; any other failure throws.</summary>
    internal static bool TryCreateInstance<TSig>(IHostEnvironment env, out object result, string name,
        params object[] extra)
    {
        LoadableClassInfo info = env.ComponentCatalog.Find((name ?? "").ToLowerInvariant().Trim(), typeof(TSig));
        result = info?.CreateInstance(env, extra);
        return info != null;
    }

    private LoadableClassInfo Find(string lowerCaseName, Type signature)
    {
        lock (_lock)
        {
            return _classes.GetValueOrDefault((lowerCaseName, signature));
        }
    }

    private void AddClass(LoadableClassInfo info, LoadableClassAttributeBase attribute, bool throwOnError)
    {
        foreach (Type signature in attribute.SigTypes)
            foreach (string name in attribute.LoadNames)
            {
                var key = (name.ToLowerInvariant(), signature);
                if (!_classes.TryAdd(key, info) && throwOnError)
                    throw Contracts.Except(null, $"ComponentCatalog cannot map name '{name}' and SignatureType " +
                        $"'{signature}' to {info.Type.Name}, already mapped to {_classes[key].Type.Name}.");
            }
    }

    /// <summary>
    /// A constructor or a static Create of the loader type, with or without a leading environment; if there are both,
    /// the public one.
    /// </summary>
    private static MethodBase FindMaker(LoadableClassAttributeBase attribute, out bool takesEnvironment)
    {
        Type[] plain = attribute.CtorTypes;
        Type[] withEnvironment = [typeof(IHostEnvironment), .. plain];
        ConstructorInfo constructor = FindConstructor(attribute, plain);
        bool constructorTakesEnvironment = constructor == null;
        constructor ??= FindConstructor(attribute, withEnvironment);
        MethodInfo create = FindCreate(attribute, plain);
        bool createTakesEnvironment = create == null;
        create ??= FindCreate(attribute, withEnvironment);

        if (constructor != null && create != null && constructor.IsPublic == create.IsPublic)
            throw Contracts.Except(null, $"Can't load type {attribute.InstanceType}, because it has both create and " +
                "constructor methods with the same visibility. Please indicate which one should be used by changing " +
                "either the signature or the visibility of one of them.");
        bool useCreate = create != null && (constructor == null || create.IsPublic);
        takesEnvironment = useCreate ? createTakesEnvironment : constructorTakesEnvironment;
        return useCreate ? create : constructor;
    }

    private static ConstructorInfo FindConstructor(LoadableClassAttributeBase attribute, Type[] parameters) =>
        attribute.InstanceType.IsAssignableFrom(attribute.LoaderType)
            ? attribute.LoaderType.GetConstructor(BindingFlags.Instance | AnyAccess, null, parameters, null)
            : null;

    private static MethodInfo FindCreate(LoadableClassAttributeBase attribute, Type[] parameters)
    {
        MethodInfo create =
            attribute.LoaderType.GetMethod("Create", BindingFlags.Static | AnyAccess, null, parameters, null);
        return create?.ReturnType == attribute.InstanceType ? create : null;
    }

    private sealed class LoadableClassInfo(
        LoadableClassAttributeBase attribute, MethodBase maker, bool takesEnvironment)
    {
        internal Type Type => attribute.InstanceType;

        internal object CreateInstance(IHostEnvironment env, object[] extra)
        {
            if (attribute.CtorTypes.Length != extra.Length)
                throw env.Except($"Wrong number of extra parameters for loadable class '{attribute.LoadNames[0]}', " +
                    $"need '{attribute.CtorTypes.Length}', given '{extra.Length}'");
            object[] arguments = takesEnvironment ? [env, .. extra] : extra;
            try
            {
                return maker switch
                {
                    ConstructorInfo constructor => constructor.Invoke(arguments),
                    MethodInfo create => create.Invoke(null, arguments),
                    _ => throw env.Except($"Can't instantiate class '{Type.Name}'"),
                };
            }
            catch (TargetInvocationException ex) when (ex.InnerException?.IsMarked() == true)
            {
                // As in the real package. What Contracts did not make arrives as TargetInvocationException.
                throw Contracts.Except(null, "Error during class instantiation", ex);
            }
        }
    }
}
