namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Joins the element-wise nodes that follow a convolution: into <c>mlpruning.SparseConv</c> where that is one,
/// else into one <c>mlpruning.Points</c>, so that they take one pass over memory. Activations that ONNX Runtime joins to
/// its own convolutions stay.</summary>
/// <param name="constants">The graph's constants.</param>
/// <param name="readers">Who reads its values.</param>
internal sealed class PointFusion(OnnxConstants constants, OnnxReaders readers)
{
    private const string Kernel = "mlpruning.SparseConv";
    private readonly HashSet<OnnxNode> _joined = [];

    /// <summary>Joins what can be joined.</summary>
    /// <param name="nodes">The graph's nodes in their order.</param>
    /// <returns>The nodes, in their order.</returns>
    public List<OnnxNode> Run(IReadOnlyList<OnnxNode> nodes)
    {
        var result = new List<OnnxNode>();
        var after = new Dictionary<OnnxNode, OnnxNode>();
        foreach (OnnxNode node in nodes)
        {
            if (_joined.Contains(node)) continue;
            result.Add($"{node.Domain}.{node.Type}" == Kernel ? Extend(node) : node);
            if (RootOf(node) is var (root, rank) && Follow(root.Outputs[0], rank) is { Nodes.Count: > 1 } chain)
                after.Add(root, Points(root.Outputs[0], chain));
            if (after.TryGetValue(node, out OnnxNode? points)) result.Add(points);
        }

        return result;
    }

    // The last of the nodes that ONNX Runtime joins to a convolution of its own, from that one on; null: it is none of
    // floats.
    private (OnnxNode Node, int Rank)? RootOf(OnnxNode node)
    {
        if (!node.Is("Conv") || constants.Find(node.Input(1)).Weight is not { IsInteger: false } weight) return null;
        OnnxNode root = node;
        if (readers.Only(root.Outputs[0]) is { Type: "BatchNormalization" } normalization) root = normalization;
        if (readers.Only(root.Outputs[0]) is { Type: "Relu" or "Clip" or "LeakyRelu" or "HardSigmoid" } activation)
            root = activation;
        return (root, weight.Shape.Length);
    }

    private OnnxNode Extend(OnnxNode node)
    {
        int rank = node.Integers("kernel_shape").Length + 2;
        if (Follow(node.Outputs[0], rank) is not { Nodes.Count: > 0 } chain) return node;
        _joined.UnionWith(chain.Nodes);
        var message = new ProtobufMessage();
        foreach (ProtobufField field in ProtobufField.Read(node.Message))
        {
            if (field.Number == 2) message.Text(2, chain.Output);
            else message.Raw(field.Raw.Span);
        }

        foreach (OnnxAttribute attribute in PointStep.ToAttributes(chain.Steps)) message.Message(5, attribute.Message);
        return new OnnxNode(message.Bytes.ToArray());
    }

    private OnnxNode Points(string value, Chain chain)
    {
        _joined.UnionWith(chain.Nodes);
        return new OnnxNode(OnnxGraph.Node("mlpruning.Points", [value], [chain.Output], $"{chain.Output}/Points",
            PointStep.ToAttributes(chain.Steps)).Bytes.ToArray());
    }

    // The longest chain of element-wise nodes that only this value leads to.
    private Chain Follow(string value, int rank)
    {
        var chain = new Chain(value);
        while (true)
        {
            if (readers.Only(chain.Output) is { } next && StepsOf(next, chain.Output, rank) is { } steps)
                chain.Add(next, steps);
            else if (!Gate(chain, rank)) return chain;
        }
    }

    // x f(x), where f is a chain of steps.
    private bool Gate(Chain chain, int rank)
    {
        string x = chain.Output;
        if (readers.Of(x) is not [var first, var second]) return false;
        OnnxNode start = first.Is("Mul") ? second : first, product = first.Is("Mul") ? first : second;
        if (!product.Is("Mul") || StepsOf(start, x, rank) is not { } steps) return false;
        var gate = new Chain(x);
        gate.Add(start, steps);
        while (readers.Only(gate.Output) is { } next && next != product)
        {
            if (StepsOf(next, gate.Output, rank) is not { } more) return false;
            gate.Add(next, more);
        }

        if (readers.Only(gate.Output) != product || !product.Inputs.Order().SequenceEqual(
            ((string[])[x, gate.Output]).Order(), StringComparer.Ordinal)
            || gate.Steps.Any(step => step.Operation == PointOperation.Save))
            return false;
        chain.Add(product, [new(PointOperation.Save), .. gate.Steps, new(PointOperation.Times)]);
        chain.Nodes.AddRange(gate.Nodes);
        return true;
    }

    // Null: the node is no step, or one that ties the value to another one.
    private IReadOnlyList<PointStep>? StepsOf(OnnxNode node, string value, int rank)
    {
        if (node.Domain.Length > 0 || node.Outputs.Count != 1) return null;
        switch (node.Type)
        {
            case "Relu": return [new(PointOperation.Clamp, 0, float.PositiveInfinity)];
            case "LeakyRelu": return [new(PointOperation.Leaky, node.Number("alpha", 0.01f))];
            case "HardSigmoid":
                return [new(PointOperation.Affine, node.Number("alpha", 0.2f), node.Number("beta", 0.5f)),
                    new(PointOperation.Clamp, 0, 1)];
            case "HardSwish":
                return [new(PointOperation.Save), new(PointOperation.Affine, 1 / 6f, 0.5f),
                    new(PointOperation.Clamp, 0, 1), new(PointOperation.Times)];
            case "Clip":
                float? low = Bound(node, 1, "min", float.NegativeInfinity, rank),
                    high = Bound(node, 2, "max", float.PositiveInfinity, rank);
                return node.Inputs[0] == value && low <= high ? [new(PointOperation.Clamp, low.Value, high.Value)] : null;
            case "Add" or "Sub" or "Mul" or "Div" when node.Inputs.Count == 2: return Arithmetic(node, value, rank);
            default: return null;
        }
    }

    private PointStep[]? Arithmetic(OnnxNode node, string value, int rank)
    {
        bool isFirst = node.Inputs[0] == value;
        if (Scalar(node.Inputs[isFirst ? 1 : 0], rank) is not { } number) return null;
        return (node.Type, isFirst) switch
        {
            ("Add", _) => [new(PointOperation.Affine, 1, number)],
            ("Sub", true) => [new(PointOperation.Affine, 1, -number)],
            ("Sub", false) => [new(PointOperation.Affine, -1, number)],
            ("Mul", _) => [new(PointOperation.Affine, number, 0)],
            ("Div", true) when number != 0 => [new(PointOperation.Affine, 1 / number, 0)],
            _ => null,
        };
    }

    private float? Bound(OnnxNode node, int place, string attribute, float otherwise, int rank) =>
        node.Input(place).Length > 0 ? Scalar(node.Input(place), rank) : node.Number(attribute, otherwise);

    // A constant that leaves the shape of what it is added to.
    private float? Scalar(string name, int rank) =>
        constants.Find(name).Weight is { IsInteger: false, Values: [var number], Shape: var shape }
            && shape.Length <= rank && float.IsFinite(number) ? number : null;

    private sealed class Chain(string value)
    {
        public string Output { get; private set; } = value;

        public List<OnnxNode> Nodes { get; } = [];

        public List<PointStep> Steps { get; } = [];

        // Two affine steps in a row become one.
        public void Add(OnnxNode node, IReadOnlyList<PointStep> steps)
        {
            foreach (PointStep step in steps)
            {
                if (step.Operation == PointOperation.Affine && Steps is [.., { Operation: PointOperation.Affine } last])
                    Steps[^1] = new(PointOperation.Affine, step.A * last.A, step.A * last.B + step.B);
                else Steps.Add(step);
            }

            Nodes.Add(node);
            Output = node.Outputs[0];
        }
    }
}
