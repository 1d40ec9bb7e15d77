using ML.Pruning.Checkpoints;
using ML.Pruning.Kernels;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>What all parts of a graph share: the graph, the model, and values that several parts
/// need.</summary>
/// <remarks>
/// Shapes: B sequences of T new tokens, P earlier ones, D hidden. Between attention and attention, activations are
/// [B T, D], so that linear maps are Gemm nodes over weights as they are stored, [out, in].
/// </remarks>
internal sealed class GraphScope
{
    private readonly IReadOnlyDictionary<string, StoredTensor> _weights;
    private readonly WeightPacking? _packing;
    private readonly bool _keepsCodes;
    private readonly PackedType? _head;
    private readonly Dictionary<string, string> _shared = new(StringComparer.Ordinal);

    /// <summary>Starts a graph with its inputs.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="options">The operators that the graph may use.</param>
    public GraphScope(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, OnnxExportOptions options)
    {
        _packing = options.Packing();
        _keepsCodes = options.KeepInt8Codes;
        _head = options.HeadKernels;
        Spec = spec;
        _weights = weights;
        Fused = options.Operators == OnnxOperators.Fused;
        Graph.Input(GraphNames.Tokens, OnnxElement.Int64, GraphNames.Batch, GraphNames.Sequence);
        if (spec.Encoder is not null) return;
        Graph.OptionalInput(OnnxInitializer.Of(GraphNames.PastLength, [0L], 1), "past_batch");
        Graph.OptionalInput(OnnxInitializer.Of(GraphNames.LogitsToKeep, [0L], 1), 1);
    }

    /// <summary>The graph.</summary>
    public OnnxGraph Graph { get; } = new();

    /// <summary>The model's shape.</summary>
    public ModelSpec Spec { get; }

    /// <summary>Whether ONNX Runtime's own operators may be used.</summary>
    public bool Fused { get; }

    /// <summary>[B, T], int64.</summary>
    public string BatchAndLength => Once("batch_and_length", () => Graph.Add("Shape", [GraphNames.Tokens]));

    /// <summary>T as [1], int64.</summary>
    public string Length => Once("length", () => Graph.Add(
        "Slice", [BatchAndLength, Graph.Integers(1), Graph.Integers(2)]));

    /// <summary>P + T of the longest sequence as [1], int64.</summary>
    public string TotalLength => Once(
        "total_length", () => Graph.Add("Add", [Graph.Add("ReduceMax", [GraphNames.PastLength]), Length]));

    /// <summary>Positions of the new tokens, [1, T] or [B, T] as <see cref="GraphNames.PastLength"/> has it,
    /// int64.</summary>
    public string Positions => Once("positions", () =>
    {
        string steps = Graph.Add(
            "Range", [Graph.Integer(0), Graph.Add("Squeeze", [Length]), Graph.Integer(1)]);
        return Graph.Add(
            "Add", [steps, Graph.Add("Unsqueeze", [GraphNames.PastLength, Graph.Integers(1)])]);
    });

    /// <summary>A value that is computed once, outside the layers.</summary>
    /// <param name="key">Names the value.</param>
    /// <param name="create">Adds its nodes.</param>
    /// <returns>The value.</returns>
    public string Once(string key, Func<string> create)
    {
        if (_shared.TryGetValue(key, out string? value)) return value;
        string scope = Graph.Scope;
        Graph.Scope = "";
        value = create();
        Graph.Scope = scope;
        _shared.Add(key, value);
        return value;
    }

    /// <summary>A weight of the model, where it is stored.</summary>
    /// <param name="name">Canonical name.</param>
    /// <returns>The tensor.</returns>
    public StoredTensor Stored(string name) => _weights[name];

    /// <summary>A weight of the model as a value of the graph.</summary>
    /// <param name="name">Canonical name.</param>
    /// <returns>The value, float32.</returns>
    public string Weight(string name) => Graph.Initializer(name, n => OnnxInitializer.Of(n, Stored(n)));

    /// <summary>c tanh(x / c).</summary>
    /// <param name="input">x, of any shape.</param>
    /// <param name="cap">c; null = x stays.</param>
    /// <returns>Of x's shape.</returns>
    public string SoftCap(string input, double? cap)
    {
        if (cap is not { } limit) return input;
        string bound = Graph.Number((float)limit);
        return Graph.Add("Mul", [Graph.Add("Tanh", [Graph.Add("Div", [input, bound])]), bound]);
    }

    /// <summary>A linear map with its bias, if it has one.</summary>
    /// <param name="linear">The map.</param>
    /// <param name="input">[B T, in].</param>
    /// <returns>[B T, out].</returns>
    public string Linear(LinearSpec linear, string input)
    {
        if (_packing?.FormatOf(linear.WeightName, Stored(linear.WeightName)) is { } format)
        {
            string product = MultiplyPacked(input, linear.WeightName, format, _packing.Type);
            return linear.HasBias ? Graph.Add("Add", [product, Weight(linear.BiasName)]) : product;
        }

        string weight = _keepsCodes && Stored(linear.WeightName) is QuantizedTensor { Grid: Int8PerRow } quantized
            ? Dequantized(quantized) : Weight(linear.WeightName);
        return Multiply(input, linear.HasBias ? [weight, Weight(linear.BiasName)] : [weight]);
    }

    /// <summary>The product with the weights that predict tokens.</summary>
    /// <param name="input">[rows, D].</param>
    /// <returns>[rows, vocabulary].</returns>
    public string Head(string input)
    {
        string name = Spec.TiedHead ? TensorNames.Embedding : TensorNames.Head;
        return _head is { } type ? MultiplyPacked(input, name, PackedFormat.Dense, type)
            : Multiply(input, Weight(name));
    }

    private string MultiplyPacked(string input, string weight, PackedFormat format, PackedType type) => Graph.Add(
        "mlpruning.SparseMatMul",
        [
            input,
            Graph.Initializer(
                $"{weight}.packed", name => new PackedInitializer(name, Stored(weight), format, type)),
        ]);

    // Codes [out, in] times the scale of their row.
    private string Dequantized(QuantizedTensor weight)
    {
        string codes = Graph.Initializer($"{weight.Name}.codes", name =>
        {
            var values = new float[weight.ElementCount];
            weight.Codes.Read(0, values);
            return OnnxInitializer.Of(name, Array.ConvertAll(values, code => (sbyte)code), [.. weight.Shape]);
        });
        string scales = Graph.Initializer($"{weight.Name}.scales", name =>
        {
            var values = new float[weight.Shape[0]];
            weight.Scales.Read(0, values);
            return OnnxInitializer.Of(name, values, values.Length);
        });
        return Graph.Add("DequantizeLinear", [codes, scales], ("axis", 0L));
    }

    /// <summary>x W^T, plus a bias if there is one.</summary>
    /// <param name="input">x [B T, in].</param>
    /// <param name="weightAndBias">W [out, in] and, if there is one, the bias [out].</param>
    /// <returns>[B T, out].</returns>
    public string Multiply(string input, params string[] weightAndBias) =>
        Graph.Add("Gemm", [input, .. weightAndBias], ("transB", 1L));

    /// <summary>[B T, ..] as [B, T, ..].</summary>
    /// <param name="input">The value.</param>
    /// <param name="tail">The dimensions after B and T.</param>
    /// <returns>The value in its new shape.</returns>
    public string Unfold(string input, params long[] tail) => Graph.Add("Reshape", [input, Once(
        $"unfolded[{string.Join(",", tail)}]",
        () => Graph.Add("Concat", [BatchAndLength, Graph.Integers(tail)], ("axis", 0L)))]);

    /// <summary>[B, T, ..] as [B T, width].</summary>
    /// <param name="input">The value.</param>
    /// <param name="width">The product of the dimensions after B and T.</param>
    /// <returns>The value in its new shape.</returns>
    public string Fold(string input, long width) => Graph.Add("Reshape", [input, Graph.Integers(-1, width)]);
}
