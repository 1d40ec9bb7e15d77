namespace Microsoft.ML.SearchSpace;

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = false, Inherited = false)]
public sealed class BooleanChoiceAttribute : Attribute
{
    public BooleanChoiceAttribute(bool defaultValue) => DefaultValue = defaultValue;

    public bool DefaultValue { get; }
}
