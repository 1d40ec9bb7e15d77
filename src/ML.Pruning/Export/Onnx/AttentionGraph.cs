using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Adds the attention of a layer: by ONNX Runtime's GroupQueryAttention where it takes the layer's shape, else
/// by standard operators.</summary>
internal sealed class AttentionGraph
{
    // What GroupQueryAttention asks of a head, and what it asks to turn heads itself.
    private const int FusedHeadMultiple = 8;
    private const int FusedRotaryMultiple = 16;
    private readonly GraphScope _scope;
    private readonly OnnxGraph _graph;
    private readonly int _layer;
    private readonly LayerSpec _shape;

    /// <summary>Prepares a layer.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="layer">Layer, from 0.</param>
    public AttentionGraph(GraphScope scope, int layer)
    {
        _scope = scope;
        _graph = scope.Graph;
        _layer = layer;
        _shape = scope.Spec.Layers[layer];
    }

    /// <summary>Whether the layer uses the fused operator, which writes keys and values in place.</summary>
    /// <remarks>Windows are left to standard operators: releases of ONNX Runtime differ in whether the operator's window
    /// counts the query's own key.</remarks>
    public bool IsFused => _scope.Fused && _shape.HeadSize % FusedHeadMultiple == 0 && Window is null;

    // A window as wide as the context hides nothing.
    private int? Window => _scope.Spec.SlidingWindow < _scope.Spec.ContextLength ? _scope.Spec.SlidingWindow : null;

    /// <summary>Adds the nodes, with the layer's earlier keys and values as inputs and all of them as
    /// outputs.</summary>
    /// <param name="linears">The layer's linear maps by part.</param>
    /// <param name="input">Normed hidden states [B T, D].</param>
    /// <returns>[B T, D].</returns>
    public string Add(IReadOnlyDictionary<string, LinearSpec> linears, string input)
    {
        string query = _scope.Linear(linears[TensorNames.Query], input);
        string key = _scope.Linear(linears[TensorNames.Key], input);
        string value = _scope.Linear(linears[TensorNames.Value], input);
        DeclareCache(GraphNames.PastKey(_layer), GraphNames.PresentKey(_layer));
        DeclareCache(GraphNames.PastValue(_layer), GraphNames.PresentValue(_layer));
        string mixed = IsFused ? AddFused(query, key, value) : AddStandard(query, key, value);
        return _scope.Linear(linears[TensorNames.Output], _scope.Fold(mixed, _shape.QueryWidth));
    }

    private void DeclareCache(string past, string present)
    {
        int heads = _shape.KeyValueHeads, size = _shape.HeadSize;
        _graph.OptionalInput(
            OnnxInitializer.Of<float>(past, [], 1, heads, 0, size), GraphNames.Batch, heads, "past", size);
        _graph.Output(present, OnnxElement.Float, GraphNames.Batch, heads, "total", size);
    }

    // Query, key and value [B T, heads d] to [B, T, H d].
    private string AddFused(string query, string key, string value)
    {
        bool rotary = _scope.Spec.Positions == PositionKind.Rotary;
        bool turnsItself = rotary && _shape.HeadSize % FusedRotaryMultiple == 0;
        if (rotary && !turnsItself)
        {
            query = Turn(query, _shape.Heads);
            key = Turn(key, _shape.KeyValueHeads);
        }

        (string cosine, string sine) = turnsItself ? RotaryGraph.Tables(_scope, _shape.HeadSize) : ("", "");
        string last = _scope.Once("last_position", () => _graph.Add("Expand",
        [
            ToInt32(_graph.Add("Sub", [_scope.TotalLength, _graph.Integers(1)])),
            _graph.Add("Slice", [_scope.BatchAndLength, _graph.Integers(0), _graph.Integers(1)]),
        ]));
        string total = _scope.Once("total_length_int32", () => ToInt32(_graph.Add("Squeeze", [_scope.TotalLength])));
        string output = $"{_graph.Scope}attended";
        _graph.Add($"{OnnxGraph.Contributed}.GroupQueryAttention",
            [
                _scope.Unfold(query, _shape.QueryWidth), _scope.Unfold(key, _shape.KeyValueWidth),
                _scope.Unfold(value, _shape.KeyValueWidth), GraphNames.PastKey(_layer), GraphNames.PastValue(_layer),
                last, total, cosine, sine,
            ],
            [output, GraphNames.PresentKey(_layer), GraphNames.PresentValue(_layer)],
            ("num_heads", (long)_shape.Heads), ("kv_num_heads", (long)_shape.KeyValueHeads), ("do_rotary", turnsItself ? 1L : 0L));
        return output;

        string ToInt32(string x) => _graph.Add("Cast", [x], ("to", (long)OnnxElement.Int32));
    }

    private string Turn(string x, int heads) =>
        RotaryGraph.Turn(_scope, _scope.Unfold(x, heads, _shape.HeadSize), _shape.HeadSize);

    // The query heads of a key/value head are stacked, so that keys and values need no copy per query head.
    private string AddStandard(string query, string key, string value)
    {
        int size = _shape.HeadSize, groups = _shape.KeyValueHeads, perGroup = _shape.Heads / groups;
        query = _graph.Add("Reshape", [Heads(query, _shape.Heads, turned: true), _graph.Integers(0, groups, -1, size)]);
        query = _graph.Add("Mul", [query, _graph.Number((float)(1 / Math.Sqrt(size)))]);
        key = Append(GraphNames.PastKey(_layer), Heads(key, groups, turned: true), GraphNames.PresentKey(_layer));
        value = Append(GraphNames.PastValue(_layer), Heads(value, groups, turned: false),
            GraphNames.PresentValue(_layer));
        string scores = _graph.Add("MatMul", [query, _graph.Add("Transpose", [key], ("perm", new long[] { 0, 1, 3, 2 }))]);
        scores = _graph.Add("Add", [scores, Mask(perGroup)]);
        string mixed = _graph.Add("MatMul", [_graph.Add("Softmax", [scores], ("axis", -1L)), value]);
        mixed = _graph.Add("Reshape", [mixed, _graph.Integers(0, _shape.Heads, -1, size)]);
        return _graph.Add("Transpose", [mixed], ("perm", new long[] { 0, 2, 1, 3 }));
    }

    // [B T, heads d] to [B, heads, T, d].
    private string Heads(string x, int heads, bool turned)
    {
        x = turned && _scope.Spec.Positions == PositionKind.Rotary
            ? Turn(x, heads)
            : _scope.Unfold(x, heads, _shape.HeadSize);
        return _graph.Add("Transpose", [x], ("perm", new long[] { 0, 2, 1, 3 }));
    }

    private string Append(string past, string next, string present)
    {
        _graph.Add("Concat", [past, next], [present], ("axis", 2L));
        return present;
    }

    // [perGroup T, P + T]: 0 where a query may look, -infinity elsewhere.
    private string Mask(int perGroup) => _scope.Once($"mask[{perGroup}]", () =>
    {
        string queries = _graph.Add("Unsqueeze", [_graph.Add("Squeeze", [_scope.Positions, _graph.Integers(0)]),
            _graph.Integers(1)]);
        string keys = _graph.Add("Range",
            [_graph.Integer(0), _graph.Add("Squeeze", [_scope.TotalLength]), _graph.Integer(1)]);
        string closed = _graph.Add("Greater", [keys, queries]);
        if (Window is { } window)
        {
            string oldest = _graph.Add("Sub", [queries, _graph.Integers(window)]);
            closed = _graph.Add("Or", [closed, _graph.Add("LessOrEqual", [keys, oldest])]);
        }

        string mask = _graph.Add("Where", [closed, _graph.Number(float.NegativeInfinity), _graph.Number(0)]);
        return perGroup == 1 ? mask : _graph.Add("Tile", [mask, _graph.Integers(perGroup, 1)]);
    });
}
