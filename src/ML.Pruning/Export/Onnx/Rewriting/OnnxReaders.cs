namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Who reads the values of a graph.</summary>
internal sealed class OnnxReaders
{
    private readonly Dictionary<string, List<OnnxNode>> _readers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _visible;

    /// <summary>Looks at a graph.</summary>
    /// <param name="file">The graph that was read.</param>
    /// <param name="nodes">Its nodes now.</param>
    public OnnxReaders(OnnxGraphFile file, IEnumerable<OnnxNode> nodes)
    {
        _visible = [.. file.NamesReadInside(), .. file.Outputs];
        foreach (OnnxNode node in nodes)
        {
            foreach (string input in node.Inputs.Distinct())
            {
                if (!_readers.TryGetValue(input, out List<OnnxNode>? readers)) _readers.Add(input, readers = []);
                readers.Add(node);
            }
        }
    }

    /// <summary>The nodes that read a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The nodes, in their order; none if others than nodes of this graph read it too.</returns>
    public IReadOnlyList<OnnxNode> Of(string value) =>
        !_visible.Contains(value) && _readers.TryGetValue(value, out List<OnnxNode>? readers) ? readers : [];

    /// <summary>The only node that reads a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>The node; null if there is none, or more than one.</returns>
    public OnnxNode? Only(string value) => Of(value) is [var reader] ? reader : null;
}
