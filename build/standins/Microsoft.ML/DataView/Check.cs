namespace Microsoft.ML.Data;

/// <summary>Argument checks with the exception types of the real package.</summary>
internal static class Check
{
    internal static void Param(bool condition, string name, string message = null)
    {
        if (condition) return;
        throw message == null ? new ArgumentOutOfRangeException(name) : new ArgumentOutOfRangeException(name, message);
    }

    internal static void NonEmpty(string value, string name)
    {
        if (string.IsNullOrEmpty(value)) throw new ArgumentNullException(name);
    }
}
