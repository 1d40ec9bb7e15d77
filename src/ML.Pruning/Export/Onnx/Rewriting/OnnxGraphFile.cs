using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>An ONNX file that was read: what a rewriting needs of it, and the rest as it was.</summary>
internal sealed class OnnxGraphFile
{
    // Fields of ModelProto, GraphProto and AttributeProto.
    private const int ModelVersion = 1;
    private const int ModelGraph = 7;
    private const int GraphInput = 11;
    private const int GraphNode = 1;
    private const int GraphInitializer = 5;

    // Before this version of the format every initializer had to be an input too, and none could be overridden.
    private const int FirstWithConstants = 4;
    private readonly string _folder;
    private readonly Dictionary<OnnxNode, OnnxTensor?> _values = [];

    /// <summary>Reads a file.</summary>
    /// <param name="path">The ONNX file; its external data lies beside it.</param>
    /// <exception cref="ModelFormatException">It is no ONNX file.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public OnnxGraphFile(string path)
    {
        _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Model = ProtobufField.Read(File.ReadAllBytes(path));
        ProtobufField graph = Model.FirstOrDefault(field => field.Number == ModelGraph);
        if (graph.Number == 0) throw new ModelFormatException($"The file '{path}' has no ONNX graph.");
        foreach (ProtobufField field in ProtobufField.Read(graph.Content))
        {
            switch (field.Number)
            {
                case GraphNode: Nodes.Add(new OnnxNode(field.Content)); break;
                case GraphInitializer:
                    var tensor = new OnnxTensor(field.Content, _folder);
                    Initializers[tensor.Name] = tensor;
                    break;
                case GraphInput: Inputs.Add(NameOf(field)); break;
                case 12: Outputs.Add(NameOf(field)); break;
            }

            if (field.Number is not (GraphNode or GraphInitializer)) Rest.Add(field);
        }

        if (Model.FirstOrDefault(field => field.Number == ModelVersion).Value < FirstWithConstants) TakeConstants();

        foreach (OnnxNode node in Nodes)
        {
            foreach (string output in node.Outputs) Producers[output] = node;
        }
    }

    /// <summary>The fields of the model; the graph is one of them.</summary>
    public List<ProtobufField> Model { get; }

    /// <summary>The nodes in their order.</summary>
    public List<OnnxNode> Nodes { get; } = [];

    /// <summary>The stored constants by name.</summary>
    public Dictionary<string, OnnxTensor> Initializers { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of the inputs; constants that an input names may be overridden.</summary>
    public HashSet<string> Inputs { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of the outputs.</summary>
    public HashSet<string> Outputs { get; } = new(StringComparer.Ordinal);

    /// <summary>The graph's other fields.</summary>
    public List<ProtobufField> Rest { get; } = [];

    /// <summary>For each value the node that yields it.</summary>
    public Dictionary<string, OnnxNode> Producers { get; } = new(StringComparer.Ordinal);

    /// <summary>The tensor of a Constant node.</summary>
    /// <param name="node">The node.</param>
    /// <returns>The tensor; null if it holds another kind of constant.</returns>
    public OnnxTensor? ValueOf(OnnxNode node)
    {
        if (_values.TryGetValue(node, out OnnxTensor? known)) return known;
        ProtobufField value = node.Attributes.TryGetValue("value", out List<ProtobufField>? fields)
            ? fields.FirstOrDefault(field => field.Number == 5) : default;
        return _values[node] = value.Number == 0 ? null : new OnnxTensor(value.Content, _folder);
    }

    /// <summary>Values that the graphs inside of nodes may take from this one: every name that they read.</summary>
    /// <returns>The names.</returns>
    public HashSet<string> NamesReadInside()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (ProtobufField inner in Nodes.SelectMany(Graphs)) Collect(inner, names, null);
        return names;
    }

    /// <summary>Whether a node, or a graph inside of one, has data in a file beside this one.</summary>
    public bool HasExternalDataInside() => TensorsInside().Any(tensor => tensor.IsExternal);

    /// <summary>The files of data that this one needs, as their places in its folder.</summary>
    /// <returns>Each once.</returns>
    public IReadOnlyList<string> DataFiles() =>
        [.. Initializers.Values.Concat(TensorsInside()).Where(tensor => tensor.IsExternal)
            .Select(tensor => tensor.Location).Distinct(StringComparer.Ordinal)];

    private IEnumerable<OnnxTensor> TensorsInside()
    {
        var tensors = new List<OnnxTensor>();
        foreach (ProtobufField inner in Nodes.SelectMany(Graphs)) Collect(inner, null, tensors);
        return tensors.Concat(Nodes.Select(ValueOf).OfType<OnnxTensor>());
    }

    // Makes it a file of the first version in which initializers that are no inputs are constants.
    private void TakeConstants()
    {
        Rest.RemoveAll(field => field.Number == GraphInput && Initializers.ContainsKey(NameOf(field)));
        Inputs.ExceptWith(Initializers.Keys);
        int at = Model.FindIndex(field => field.Number == ModelVersion);
        ProtobufField version = ProtobufField.Read(
            new ProtobufMessage().Integer(ModelVersion, FirstWithConstants).Bytes.ToArray())[0];
        if (at < 0) Model.Insert(0, version);
        else Model[at] = version;
    }

    private static string NameOf(ProtobufField valueInfo) =>
        ProtobufField.Read(valueInfo.Content).FirstOrDefault(field => field.Number == 1).Text;

    // The attributes g (6) and graphs (11).
    private static IEnumerable<ProtobufField> Graphs(OnnxNode node) =>
        node.Attributes.Values.SelectMany(fields => fields).Where(field => field.Number is 6 or 11);

    private void Collect(ProtobufField graph, HashSet<string>? names, List<OnnxTensor>? tensors)
    {
        foreach (ProtobufField field in ProtobufField.Read(graph.Content))
        {
            if (field.Number == GraphInitializer) tensors?.Add(new OnnxTensor(field.Content, _folder));
            if (field.Number == 12) names?.Add(NameOf(field));
            if (field.Number != GraphNode) continue;
            var node = new OnnxNode(field.Content);
            names?.UnionWith(node.Inputs);
            if (ValueOf(node) is { } value) tensors?.Add(value);
            foreach (ProtobufField inner in Graphs(node)) Collect(inner, names, tensors);
        }
    }
}
