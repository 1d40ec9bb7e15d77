namespace ML.Pruning.Export.Onnx;

/// <summary>A graph under construction. Values are strings, as in the format; each method that adds a node gives the
/// name of what it yields.</summary>
/// <remarks>Not thread-safe. Field numbers are those of onnx.proto3.</remarks>
internal sealed class OnnxGraph
{
    /// <summary>The domain of ONNX Runtime's own operators; a node type in it is written with the domain before
    /// it.</summary>
    public const string Contributed = "com.microsoft";

    private readonly ProtobufMessage _nodes = new();
    private readonly ProtobufMessage _values = new();
    private readonly Dictionary<string, OnnxInitializer> _initializers = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _domains = new(StringComparer.Ordinal) { "" };
    private int _count;

    /// <summary>Start of the names of new nodes, such as <c>layers.0.self_attn/</c>.</summary>
    public string Scope { get; set; } = "";

    /// <summary>The constants, in the order in which they were added.</summary>
    public IReadOnlyCollection<OnnxInitializer> Initializers => _initializers.Values;

    /// <summary>Domains of the operators used; the empty one is ONNX's.</summary>
    public IReadOnlyCollection<string> Domains => _domains;

    /// <summary>Texts that describe the model to programs that know the keys.</summary>
    public Dictionary<string, string> Metadata { get; } = new(StringComparer.Ordinal);

    /// <summary>Nodes, inputs and outputs as fields of a GraphProto, without the constants.</summary>
    /// <returns>The fields.</returns>
    public ProtobufMessage Fields() => new ProtobufMessage().Append(_nodes).Text(2, "decoder").Append(_values);

    /// <summary>Adds a node with one output.</summary>
    /// <param name="type">The operator, with its domain before it unless that is ONNX's.</param>
    /// <param name="inputs">Values; an empty name leaves an optional input out.</param>
    /// <param name="attributes">Attributes.</param>
    /// <returns>The output.</returns>
    public string Add(string type, string[] inputs, params OnnxAttribute[] attributes)
    {
        string output = $"{Scope}{type.Split('.')[^1]}_{_count}";
        Add(type, inputs, [output], attributes);
        return output;
    }

    /// <summary>Adds a node.</summary>
    /// <param name="type">The operator, with its domain before it unless that is ONNX's.</param>
    /// <param name="inputs">Values; an empty name leaves an optional input out.</param>
    /// <param name="outputs">Names for what it yields; an empty name leaves an optional output out.</param>
    /// <param name="attributes">Attributes.</param>
    public void Add(string type, string[] inputs, string[] outputs, params OnnxAttribute[] attributes)
    {
        int dot = type.LastIndexOf('.');
        _domains.Add(dot < 0 ? "" : type[..dot]);
        _nodes.Message(1, Node(type, inputs, outputs, $"{Scope}{type[(dot + 1)..]}_{_count++}", attributes));
    }

    /// <summary>One node.</summary>
    /// <param name="type">The operator, with its domain before it unless that is ONNX's.</param>
    /// <param name="inputs">Values.</param>
    /// <param name="outputs">Names for what it yields.</param>
    /// <param name="name">The node's name.</param>
    /// <param name="attributes">Attributes.</param>
    /// <returns>The NodeProto.</returns>
    public static ProtobufMessage Node(
        string type, string[] inputs, string[] outputs, string name, OnnxAttribute[] attributes)
    {
        int dot = type.LastIndexOf('.');
        var node = new ProtobufMessage();
        foreach (string input in inputs) node.Text(1, input);
        foreach (string output in outputs) node.Text(2, output);
        node.Text(3, name).Text(4, type[(dot + 1)..]);
        foreach (OnnxAttribute attribute in attributes) node.Message(5, attribute.Message);
        return dot < 0 ? node : node.Text(7, type[..dot]);
    }

    /// <summary>Adds a constant once.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="create">Makes it; called when the name is new.</param>
    /// <returns>The name.</returns>
    public string Initializer(string name, Func<string, OnnxInitializer> create)
    {
        if (!_initializers.ContainsKey(name)) _initializers.Add(name, create(name));
        return name;
    }

    /// <summary>A constant row of integers, such as a shape or axes.</summary>
    /// <param name="values">The integers.</param>
    /// <returns>The value [count], int64.</returns>
    public string Integers(params long[] values) => Initializer(
        $"integers[{string.Join(",", values)}]", name => OnnxInitializer.Of(name, values, values.Length));

    /// <summary>A constant integer.</summary>
    /// <param name="value">The integer.</param>
    /// <returns>The scalar, int64.</returns>
    public string Integer(long value) => Initializer($"integer[{value}]", name => OnnxInitializer.Of(name, [value]));

    /// <summary>A constant number.</summary>
    /// <param name="value">The number.</param>
    /// <returns>The scalar, float32.</returns>
    public string Number(float value) => Initializer(
        $"number[{value:R}]", name => OnnxInitializer.Of<float>(name, [value]));

    /// <summary>Declares an input.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="element">Its element type.</param>
    /// <param name="shape">Its dimensions.</param>
    /// <returns>The name.</returns>
    public string Input(string name, OnnxElement element, params OnnxDimension[] shape)
    {
        _values.Message(11, ValueInfo(name, element, shape));
        return name;
    }

    /// <summary>Declares an input that may be left out.</summary>
    /// <param name="default">What it is then; has its name and element type.</param>
    /// <param name="shape">Its dimensions, which the default's fit.</param>
    /// <returns>The name.</returns>
    public string OptionalInput(OnnxInitializer @default, params OnnxDimension[] shape)
    {
        _initializers.Add(@default.Name, @default);
        return Input(@default.Name, @default.Element, shape);
    }

    /// <summary>Declares an output.</summary>
    /// <param name="name">The value.</param>
    /// <param name="element">Its element type.</param>
    /// <param name="shape">Its dimensions.</param>
    public void Output(string name, OnnxElement element, params OnnxDimension[] shape) =>
        _values.Message(12, ValueInfo(name, element, shape));

    private static ProtobufMessage ValueInfo(string name, OnnxElement element, OnnxDimension[] shape)
    {
        var dimensions = new ProtobufMessage();
        foreach (OnnxDimension dimension in shape)
        {
            dimensions.Message(1, dimension.Name is { } symbol
                ? new ProtobufMessage().Text(2, symbol)
                : new ProtobufMessage().Integer(1, dimension.Size));
        }

        ProtobufMessage tensor = new ProtobufMessage().Integer(1, (int)element).Message(2, dimensions);
        return new ProtobufMessage().Text(1, name).Message(2, new ProtobufMessage().Message(1, tensor));
    }
}
