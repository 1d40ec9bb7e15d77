namespace Microsoft.ML.Runtime;

/// <summary>
/// Checks with the exception types of the real package. An exception made here is marked: what it says is for the user.
/// </summary>
internal static class Contracts
{
    private const string IsMarkedKey = "ML_IsMarked";

    internal static bool IsMarked(this Exception ex) => ex.Data.Contains(IsMarkedKey);

    internal static TException Mark<TException>(TException ex) where TException : Exception
    {
        ex.Data[IsMarkedKey] = 1;
        return ex;
    }

    internal static Exception Except(this IExceptionContext ctx, string message, Exception inner = null) =>
        Process(ctx, new InvalidOperationException(message, inner));

    internal static Exception ExceptParam(this IExceptionContext ctx, string name, string message) =>
        Process(ctx, new ArgumentOutOfRangeException(name, message));

    internal static Exception ExceptDecode(this IExceptionContext ctx, string message, Exception inner = null) =>
        Process(ctx, new FormatException(message, inner));

    internal static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole,
        string columnName) =>
        ExceptParam(ctx, paramName, $"Could not find {columnRole} column '{columnName}'");

    internal static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole,
        string columnName, string expectedType, string actualType) =>
        ExceptParam(ctx, paramName,
            $"Schema mismatch for {columnRole} column '{columnName}': expected {expectedType}, got {actualType}");

    internal static void Check(this IExceptionContext ctx, bool condition, string message = null)
    {
        if (!condition) throw Except(ctx, message);
    }

    internal static void CheckParam(this IExceptionContext ctx, bool condition, string name, string message = null)
    {
        if (!condition) throw ExceptParam(ctx, name, message);
    }

    internal static void CheckValue<T>(this IExceptionContext ctx, T value, string name) where T : class
    {
        if (value == null) throw Process(ctx, new ArgumentNullException(name));
    }

    internal static void CheckNonEmpty(this IExceptionContext ctx, string value, string name)
    {
        if (string.IsNullOrEmpty(value)) throw ExceptParam(ctx, name, $"{name} cannot be null or empty");
    }

    internal static void CheckDecode(this IExceptionContext ctx, bool condition, string message = "Corrupt model file")
    {
        if (!condition) throw ExceptDecode(ctx, message);
    }

    internal static void Check(bool condition, string message = null) => Check(null, condition, message);

    internal static void CheckParam(bool condition, string name, string message = null) =>
        CheckParam(null, condition, name, message);

    internal static void CheckValue<T>(T value, string name) where T : class => CheckValue(null, value, name);

    internal static void CheckNonEmpty(string value, string name) => CheckNonEmpty(null, value, name);

    internal static void CheckDecode(bool condition, string message = "Corrupt model file") =>
        CheckDecode(null, condition, message);

    private static TException Process<TException>(IExceptionContext ctx, TException ex) where TException : Exception =>
        ctx == null ? Mark(ex) : ctx.Process(ex);
}
