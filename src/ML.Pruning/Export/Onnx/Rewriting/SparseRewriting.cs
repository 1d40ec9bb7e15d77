using ML.Pruning.Kernels;

namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Replaces the nodes of a graph whose constant weights are sparse by nodes on the kernels.</summary>
internal sealed class SparseRewriting
{
    // Operators with weights that stay as they are.
    private static readonly string[] s_others =
    [
        "ConvTranspose", "LSTM", "GRU", "RNN", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul",
        "com.microsoft.FusedMatMul", "com.microsoft.FusedGemm", "com.microsoft.FusedConv", "com.microsoft.QAttention",
        "com.microsoft.DynamicQuantizeMatMul", "com.microsoft.MatMulIntegerToFloat", "com.microsoft.Attention",
    ];

    /// <summary>The operators of the kernels; a node on them is called like the one that it replaces, with its operator
    /// behind a slash.</summary>
    public static readonly string[] Kernels = ["SparseConv", "SparseMatMul"];

    private readonly OnnxGraphFile _file;
    private readonly OnnxConstants _constants;
    private readonly ActivationGrids _grids;
    private readonly SparseOnnxOptions _options;
    private readonly OnnxReaders _readers;
    private readonly HashSet<OnnxNode> _folded = [];
    private readonly List<SparseOnnxNode> _report = [];
    private readonly Dictionary<string, OnnxInitializer> _packed = new(StringComparer.Ordinal);

    /// <summary>Prepares.</summary>
    /// <param name="file">The graph.</param>
    /// <param name="options">What is packed, and how.</param>
    public SparseRewriting(OnnxGraphFile file, SparseOnnxOptions options)
    {
        _file = file;
        _options = options;
        _constants = new OnnxConstants(file);
        _grids = new ActivationGrids(file, _constants);
        _readers = new OnnxReaders(file, file.Nodes);
    }

    /// <summary>What was done with each node that has, or could have, a weight.</summary>
    public IReadOnlyList<SparseOnnxNode> Report => _report;

    /// <summary>What the report calls a node.</summary>
    /// <param name="node">The node.</param>
    /// <returns>Its name, or that of its first output.</returns>
    public static string NameOf(OnnxNode node) => node.Name.Length > 0 ? node.Name : node.Outputs[0];

    /// <summary>New constants.</summary>
    public IReadOnlyCollection<OnnxInitializer> Added => _packed.Values;

    /// <summary>The graph's nodes, in their order, without those whose result nothing reads any more.</summary>
    /// <param name="cancellationToken">Stops between nodes.</param>
    /// <returns>The nodes as NodeProtos.</returns>
    public List<OnnxNode> Run(CancellationToken cancellationToken)
    {
        var nodes = new List<OnnxNode>();
        foreach (OnnxNode node in _file.Nodes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_folded.Contains(node)) continue;
            string type = node.Domain.Length == 0 ? node.Type : $"{node.Domain}.{node.Type}";
            List<OnnxNode>? replaced = type switch
            {
                "MatMul" => MatMul(node),
                "Gemm" => Gemm(node),
                "Conv" => Conv(node),
                "com.microsoft.MatMulNBits" => MatMulNBits(node),
                _ when s_others.Contains(type) => Leave(node, null, $"the kernels have no {type}"),
                _ => null,
            };
            nodes.AddRange(replaced ?? [node]);
        }

        if (_report.Exists(node => node.IsPacked))
            nodes = new PointFusion(_constants, new OnnxReaders(_file, nodes)).Run(nodes);
        return WithoutUnused(nodes);
    }

    // The floats that a node multiplies with.
    private (ConstantWeight? Weight, string? WhyNot) Weight(OnnxNode node)
    {
        (ConstantWeight? weight, string? whyNot) = _constants.Find(node.Input(1));
        return weight is { IsInteger: true } ? (null, "its weight has integers") : (weight, whyNot);
    }

    // x W, W [in, out].
    private List<OnnxNode>? MatMul(OnnxNode node)
    {
        (ConstantWeight? weight, string? whyNot) = Weight(node);
        if (weight is null) return Leave(node, null, whyNot!);
        if (weight.Shape.Length != 2) return Leave(node, null, "its weight is no matrix");
        return Pack(node, weight.Transposed(), node.Inputs[1]) is { } packed
            ? [Product(node, node.Inputs[0], packed, node.Outputs[0])] : null;
    }

    // alpha A B + beta C, B [in, out] or turned.
    private List<OnnxNode>? Gemm(OnnxNode node)
    {
        (ConstantWeight? weight, string? whyNot) = Weight(node);
        if (weight is null) return Leave(node, null, whyNot!);
        if (node.Integer("transA", 0) != 0) return Leave(node, weight, "its input is turned");
        if (weight.Shape.Length != 2) return Leave(node, null, "its weight is no matrix");
        float alpha = node.Number("alpha", 1), beta = node.Number("beta", 1);
        weight = node.Integer("transB", 0) != 0 ? weight : weight.Transposed();
        if (alpha != 1) weight = weight with { Values = [.. weight.Values.Select(w => w * alpha)], Scales = null };
        if (Pack(node, weight, $"{node.Inputs[1]}*{alpha:R}") is not { } packed) return null;
        bool adds = node.Inputs.Count > 2 && node.Inputs[2].Length > 0 && beta != 0;
        string output = node.Outputs[0], product = adds ? $"{output}/product" : output,
            addend = adds ? node.Inputs[2] : "";
        List<OnnxNode> nodes = [Product(node, node.Inputs[0], packed, product)];
        if (!adds) return nodes;
        if (beta != 1)
        {
            string factor = Add(OnnxInitializer.Of<float>($"{output}/beta", [beta]));
            nodes.Add(Node("Mul", [addend, factor], addend = $"{output}/addend"));
        }

        nodes.Add(Node("Add", [product, addend], output));
        return nodes;
    }

    private List<OnnxNode>? Conv(OnnxNode node)
    {
        (ConstantWeight? weight, string? whyNot) = Weight(node);
        if (weight is null) return Leave(node, null, whyNot!);
        long[] shape = weight.Shape;
        if (node.Integer("group", 1) != 1) return Leave(node, weight, "its channels are in groups");
        if (shape.Length is not (3 or 4)) return Leave(node, weight, "the kernels take images and signals only");
        var matrix = new ConstantWeight(weight.Values, [shape[0], shape.Skip(1).Aggregate(1L, (a, b) => a * b)]);
        string key = node.Inputs[1], output = node.Outputs[0], bias = node.Input(2);
        float[]? biases = _constants.Find(bias).Weight?.Values;
        BatchNormalization? normalization = bias.Length > 0 && biases is null ? null
            : BatchNormalization.After(node, (int)shape[0], _constants, _readers);
        if (normalization is not null)
        {
            output = normalization.Node.Outputs[0];
            key = $"{key}*{output}";
            matrix = normalization.Scale(matrix);
        }

        if (Pack(node, matrix, key, isConvolution: true) is not { } packed) return null;
        if (normalization is not null)
        {
            bias = Add(OnnxInitializer.Of($"{output}/bias", normalization.Shift(biases), shape[0]));
            _folded.Add(normalization.Node);
        }

        long same = node.Text("auto_pad") switch { "SAME_UPPER" => 1, "SAME_LOWER" => 2, _ => 0 };
        List<OnnxAttribute> attributes = [("kernel_shape", shape[2..]), ("same", same)];
        foreach (string name in (string[])["strides", "dilations", "pads"])
        {
            long[] values = node.Integers(name);
            bool isUnused = name == "pads" && node.Text("auto_pad") is not ("" or "NOTSET");
            if (values.Length > 0 && !isUnused) attributes.Add((name, values));
        }

        string[] inputs = bias.Length > 0 ? [node.Inputs[0], packed, bias] : [node.Inputs[0], packed];
        return [Kernel(node, "mlpruning.SparseConv", inputs, output, [.. attributes])];
    }

    // 4-bit codes with a scale for each block of columns; with blocks of 64 they are on the kernels' own grid.
    private List<OnnxNode>? MatMulNBits(OnnxNode node)
    {
        const int columnsPerScale = 64;
        long rows = node.Integer("N", 0), columns = node.Integer("K", 0), block = node.Integer("block_size", 0);
        bool hasZeros = node.Inputs.Skip(3).Any(name => name.Length > 0);
        if (node.Integer("bits", 4) != 4 || block != columnsPerScale || hasZeros)
        {
            return Leave(node, null,
                $"the kernels keep 4-bit codes only with one scale for each {columnsPerScale} columns "
                + "and no zero points");
        }

        (ConstantWeight? codes, string? whyNot) = _constants.Find(node.Input(1));
        (ConstantWeight? scales, string? whyNoScales) = _constants.Find(node.Input(2));
        if (codes is null || scales is null) return Leave(node, null, (whyNot ?? whyNoScales)!);
        long blocks = (columns + block - 1) / block;
        if (codes.Values.Length != rows * blocks * block / 2 || scales.Values.Length != rows * blocks)
            return Leave(node, null, "its weight does not have the size that its attributes say");
        if (FourBits.Read(codes.Values, scales.Values, rows, columns) is not { } weight)
            return Leave(node, null, "the kernels' 4-bit codes go from -7 to 7; its have a -8");
        return Pack(node, weight, node.Inputs[1], type: PackedType.Int4, scales: weight.Scales) is { } packed
            ? [Product(node, node.Inputs[0], packed, node.Outputs[0])] : null;
    }

    // The name of the packed constant, or null if the weight stays; either way the node is reported.
    private string? Pack(OnnxNode node, ConstantWeight weight, string key, bool isConvolution = false,
        PackedType? type = null, float[]? scales = null)
    {
        int rows = (int)weight.Shape[0], columns = (int)weight.Shape[1];
        double sparsity = weight.Sparsity;
        if (sparsity < _options.MinimumSparsity)
        {
            Leave(node, weight, $"{sparsity:P1} of its weights are zero; from {_options.MinimumSparsity:P1} on the "
                + "kernels are faster");
            return null;
        }

        if (weight.Values.Length < _options.MinimumSize)
        {
            Leave(node, weight,
                $"it is small: {weight.Values.Length} weights; from {_options.MinimumSize} on the kernels pay");
            return null;
        }

        SparseOnnxChoice? choice = _options.Choices.GetValueOrDefault(NameOf(node));
        if (choice is { UsesKernel: false })
        {
            Leave(node, weight, choice.Why);
            return null;
        }

        scales ??= weight.RowScales();
        PackedType kind = isConvolution ? PackedType.Float32
            : type ?? _options.Type ?? (scales is null ? PackedType.Float32 : PackedType.Int8);
        PackedFormat format = isConvolution ? PackedFormat.Csr : PackedFormat.Bitmask;
        if (new PackedShape(format, kind, rows, columns).Fault() is { } fault)
        {
            Leave(node, weight, $"it cannot be packed: {fault}");
            return null;
        }

        bool keepsCodes = kind is PackedType.Int8 or PackedType.Int4 && scales is not null
            && (kind == PackedType.Int4) == (type == PackedType.Int4);
        string name = $"{key}.{kind.ToString().ToLowerInvariant()}.{format.ToString().ToLowerInvariant()}";
        if (!_packed.ContainsKey(name))
        {
            _packed.Add(name, PackedArray.Pack(name, weight, format, kind, keepsCodes ? scales! : []));
        }

        _report.Add(Entry(node, weight, true, $"{format.ToString().ToLowerInvariant()} "
            + $"{kind.ToString().ToLowerInvariant()}{(choice is null ? "" : $"; {choice.Why}")}"));
        return name;
    }

    private List<OnnxNode>? Leave(OnnxNode node, ConstantWeight? weight, string why)
    {
        _report.Add(Entry(node, weight, false, why));
        return null;
    }

    private static SparseOnnxNode Entry(OnnxNode node, ConstantWeight? weight, bool isPacked, string why)
    {
        long rows = weight?.Shape.FirstOrDefault() ?? 0;
        return new SparseOnnxNode(NameOf(node), node.Type, rows,
            rows == 0 ? 0 : weight!.Values.Length / rows, weight?.Sparsity ?? 0, isPacked, why);
    }

    private string Add(OnnxInitializer constant)
    {
        _packed[constant.Name] = constant;
        return constant.Name;
    }

    // 8-bit products take the activations' own grid along, where the model has put them on one.
    private OnnxNode Product(OnnxNode node, string x, string packed, string output)
    {
        const string type = "mlpruning.SparseMatMul";
        return _packed[packed] is PackedArray { Type: PackedType.Int8 } && _grids.Find(x) is (var source, var grid)
            ? Kernel(node, type, [source, packed], output,
                ("x_scale", (double)grid.Scale), ("x_lowest", (long)grid.Lowest), ("x_highest", (long)grid.Highest))
            : Kernel(node, type, [x, packed], output);
    }

    private static OnnxNode Kernel(
        OnnxNode node, string type, string[] inputs, string output, params OnnxAttribute[] attributes) => new(
            OnnxGraph.Node(type, inputs, [output], $"{NameOf(node)}/{type.Split('.')[^1]}", attributes).Bytes.ToArray());

    private static OnnxNode Node(string type, string[] inputs, string output, params OnnxAttribute[] attributes) =>
        new(OnnxGraph.Node(type, inputs, [output], $"{output}/{type.Split('.')[^1]}", attributes).Bytes.ToArray());

    // Nodes that only made constants, and whose results nothing reads now.
    private List<OnnxNode> WithoutUnused(List<OnnxNode> nodes)
    {
        HashSet<string> inside = _file.NamesReadInside();
        while (true)
        {
            var read = new HashSet<string>(nodes.SelectMany(node => node.Inputs), StringComparer.Ordinal);
            read.UnionWith(inside);
            read.UnionWith(_file.Outputs);
            int removed = nodes.RemoveAll(
                node => node.Type is "Constant" or "Identity" or "Transpose" or "DequantizeLinear" or "QuantizeLinear"
                    && node.Domain.Length == 0 && !node.Outputs.Exists(read.Contains));
            if (removed == 0) return nodes;
        }
    }
}
