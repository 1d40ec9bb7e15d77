namespace ML.Pruning.Chat.Templates;

/// <summary>The variable <c>loop</c>.</summary>
/// <param name="items">What is looped over.</param>
internal sealed class LoopState(IReadOnlyList<object?> items)
{
    /// <summary>Which item it is, from 0.</summary>
    public int Index { get; set; }

    /// <summary>An attribute.</summary>
    public object? Get(string name) => name switch
    {
        "index" => (long)Index + 1,
        "index0" => (long)Index,
        "revindex" => (long)items.Count - Index,
        "revindex0" => (long)items.Count - Index - 1,
        "first" => Index == 0,
        "last" => Index == items.Count - 1,
        "length" => (long)items.Count,
        "previtem" => Index > 0 ? items[Index - 1] : new Undefined("loop.previtem"),
        "nextitem" => Index + 1 < items.Count ? items[Index + 1] : new Undefined("loop.nextitem"),
        _ => throw new NotSupportedException($"loop.{name}"),
    };
}
