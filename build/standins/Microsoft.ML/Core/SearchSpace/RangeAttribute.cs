namespace Microsoft.ML.SearchSpace;

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = false, Inherited = false)]
public sealed class RangeAttribute : Attribute
{
    public RangeAttribute(double min, double max, double init, bool logBase = false) =>
        (Min, Max, Init, LogBase) = (min, max, init, logBase);

    public RangeAttribute(int min, int max, int init, bool logBase = false) =>
        (Min, Max, Init, LogBase) = (min, max, init, logBase);

    public object Min { get; }

    public object Max { get; }

    public object Init { get; }

    public bool LogBase { get; }
}
