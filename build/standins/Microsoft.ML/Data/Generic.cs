using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Calls private static generic methods with type arguments known only at run time.</summary>
internal static class Generic
{
    internal static object Call(Type owner, string method, Type[] types, params object[] arguments) =>
        owner.GetMethod(method, BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .MakeGenericMethod(types)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null);
}
