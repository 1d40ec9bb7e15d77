namespace Microsoft.ML.SearchSpace;

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property, AllowMultiple = false, Inherited = false)]
public sealed class ChoiceAttribute : Attribute
{
    public ChoiceAttribute(object[] candidates, object defaultValue) =>
        (Candidates, DefaultValue) = (candidates, defaultValue);

    public object[] Candidates { get; }

    public object DefaultValue { get; }
}
