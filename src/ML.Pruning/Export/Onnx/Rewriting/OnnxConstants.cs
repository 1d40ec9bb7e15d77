namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Finds the constants of a graph: initializers, the values of Constant nodes, and what Identity, Transpose
/// and DequantizeLinear make of them.</summary>
/// <param name="graph">The graph.</param>
internal sealed class OnnxConstants(OnnxGraphFile graph)
{
    /// <summary>A constant by its name.</summary>
    /// <param name="name">The value.</param>
    /// <returns>The constant, or null with the reason why it is none that can be read.</returns>
    public (ConstantWeight? Weight, string? WhyNot) Find(string name)
    {
        if (name.Length == 0) return (null, "it has no constant weight");
        if (graph.Inputs.Contains(name)) return (null, "its weight is an input of the graph");
        if (graph.Initializers.TryGetValue(name, out OnnxTensor? tensor)) return Read(tensor);
        if (!graph.Producers.TryGetValue(name, out OnnxNode? node)) return (null, "it has no constant weight");
        return node switch
        {
            _ when node.Is("Constant") => graph.ValueOf(node) is { } value ? Read(value)
                : (null, "its weight is a constant of another kind"),
            _ when node.Is("Identity") => Find(node.Input(0)),
            _ when node.Is("Transpose") => Transpose(node),
            _ when node.Is("DequantizeLinear") => Dequantize(node),
            _ => (null, "it has no constant weight"),
        };
    }

    /// <summary>The element type of a stored constant, by its name.</summary>
    /// <param name="name">The value.</param>
    /// <returns>The type; null if it is no initializer and no Constant node.</returns>
    public OnnxElement? ElementOf(string name) =>
        graph.Initializers.TryGetValue(name, out OnnxTensor? tensor) ? tensor.Element
        : graph.Producers.TryGetValue(name, out OnnxNode? node) && node.Is("Constant") ? graph.ValueOf(node)?.Element
        : null;

    private static (ConstantWeight?, string?) Read(OnnxTensor tensor)
    {
        if (tensor.Count > Array.MaxLength) return (null, "its weight is too large to be read at once");
        return tensor.Floats() is { } values ? (new ConstantWeight(
            values, [.. tensor.Shape], IsInteger: tensor.Element != OnnxElement.Float), null)
            : (null, $"its weight has the ONNX element type {(int)tensor.Element}; the kernels read float32 "
                + "and 8 bits");
    }

    private (ConstantWeight?, string?) Transpose(OnnxNode node)
    {
        (ConstantWeight? weight, string? whyNot) = Find(node.Input(0));
        if (weight is null) return (null, whyNot);
        long[] order = node.Integers("perm");
        return weight.Shape.Length == 2 && order is [] or [1, 0] ? (weight.Transposed(), null)
            : (null, "its weight is turned about in more than two dimensions");
    }

    // y = (x - zero point) * scale, with one scale for all or one for each place of an axis.
    private (ConstantWeight?, string?) Dequantize(OnnxNode node)
    {
        (ConstantWeight? codes, string? whyNot) = Find(node.Input(0));
        (ConstantWeight? scale, string? whyNoScale) = Find(node.Input(1));
        if (codes is null || scale is null) return (null, whyNot ?? whyNoScale);
        float[] zeros = [];
        if (node.Inputs.Count > 2 && node.Inputs[2].Length > 0)
        {
            (ConstantWeight? zero, string? whyNoZero) = Find(node.Inputs[2]);
            if (zero is null) return (null, whyNoZero);
            zeros = zero.Values;
        }

        float[] scales = scale.Values;
        int rank = codes.Shape.Length;
        long axis = node.Integer("axis", 1);
        axis = axis < 0 ? axis + rank : axis;
        bool isWhole = scales.Length == 1;
        if (node.Integer("block_size", 0) != 0 || !isWhole
            && (axis < 0 || axis >= rank || scale.Shape.Length != 1 || scales.Length != codes.Shape[axis])
            || zeros.Length > 0 && zeros.Length != scales.Length)
            return (null, "its weight is quantised by blocks");

        long inner = isWhole ? 1 : codes.Shape.Skip((int)axis + 1).Aggregate(1L, (product, size) => product * size);
        var values = new float[codes.Values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int place = isWhole ? 0 : (int)(i / inner % scales.Length);
            values[i] = (codes.Values[i] - (zeros.Length > 0 ? zeros[place] : 0)) * scales[place];
        }

        // The kernels' own grid: codes from -127 to 127, zero at zero.
        bool isSymmetric = zeros.All(zero => zero == 0) && codes.Values.All(code => code is >= -127 and <= 127)
            && scales.All(s => s > 0);
        return (new ConstantWeight(values, codes.Shape, isSymmetric ? scales : null, isWhole ? 0 : (int)axis), null);
    }
}
