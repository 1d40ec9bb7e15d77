namespace ML.Pruning.Chat.Templates;

/// <summary>What <c>namespace()</c> makes: the one kind of value whose attributes can be set.</summary>
internal sealed class TemplateNamespace
{
    /// <summary>The attributes.</summary>
    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);
}
