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
    private readonly ModelSpec _spec;
    private readonly int _layer;
    private readonly LayerSpec _shape;
    private readonly int? _window;

    /// <summary>Prepares a layer.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="layer">Layer, from 0.</param>
    public AttentionGraph(GraphScope scope, int layer)
    {
        _scope = scope;
        _graph = scope.Graph;
        _spec = scope.Spec;
        _layer = layer;
        _shape = _spec.Layers[layer];

        // A window as wide as the context hides nothing.
        _window = _spec.Window(layer) < _spec.ContextLength ? _spec.Window(layer) : null;
    }

    /// <summary>Whether the layer uses the fused operator, which writes keys and values in place.</summary>
    /// <remarks>Windows are left to standard operators: releases of ONNX Runtime differ in whether the operator's
    /// window counts the query's own key.</remarks>
    public bool IsFused => _scope.Fused && _shape.HeadSize % FusedHeadMultiple == 0 && _window is null
        && _shape.AlibiSlopes is null;

    private bool FusesRotary => IsFused && _spec.Positions == PositionKind.Rotary && _spec.RotaryFraction == 1
        && _shape.HeadSize % FusedRotaryMultiple == 0
        && _spec.RopeScaling?.Kind != RopeScalingKind.LongRope;

    private double Scale => _spec.AttentionScale ?? 1 / Math.Sqrt(_shape.HeadSize);

    /// <summary>Adds the nodes, with the layer's earlier keys and values as inputs and all of them as
    /// outputs.</summary>
    /// <param name="linears">The layer's linear maps by part.</param>
    /// <param name="input">Normed hidden states [B T, D].</param>
    /// <returns>[B T, D].</returns>
    public string Add(IReadOnlyDictionary<string, LinearSpec> linears, string input)
    {
        string query = Heads(Project(TensorNames.Query), _shape.Heads, TensorNames.QueryNorm);
        string key = Heads(Project(TensorNames.Key), _shape.KeyValueHeads, TensorNames.KeyNorm);
        string value = Project(TensorNames.Value);
        DeclareCache(GraphNames.PastKey(_layer), GraphNames.PresentKey(_layer));
        DeclareCache(GraphNames.PastValue(_layer), GraphNames.PresentValue(_layer));
        string mixed = IsFused ? AddFused(query, key, value) : AddStandard(query, key, value);
        return _scope.Linear(linears[TensorNames.Output], _scope.Fold(mixed, _shape.QueryWidth));

        string Project(string part)
        {
            string projected = _scope.Linear(linears[part], input);
            return _spec.QueryKeyValueClip is { } limit
                ? _graph.Add("Clip", [projected, _graph.Number((float)-limit), _graph.Number((float)limit)])
                : projected;
        }
    }

    private void DeclareCache(string past, string present)
    {
        int heads = _shape.KeyValueHeads, size = _shape.HeadSize;
        _graph.OptionalInput(
            OnnxInitializer.Of<float>(past, [], 1, heads, 0, size), GraphNames.Batch, heads, "past", size);
        _graph.Output(present, OnnxElement.Float, GraphNames.Batch, heads, "total", size);
    }

    // From [B T, heads d]: normed and turned, as the model does with queries and keys; of any shape that folds to it.
    private string Heads(string x, int heads, string normPart)
    {
        bool turns = _spec.Positions == PositionKind.Rotary && !FusesRotary;
        if (!turns && !_spec.QueryKeyNorm) return x;
        x = _scope.Unfold(x, heads, _shape.HeadSize);
        if (_spec.QueryKeyNorm) x = NormGraph.Norm(_scope, x, TensorNames.Name(_layer, normPart));
        return turns ? RotaryGraph.Turn(_scope, x, _shape.HeadSize) : x;
    }

    // To [B, T, H d].
    private string AddFused(string query, string key, string value)
    {
        (string cosine, string sine) = FusesRotary ? RotaryGraph.Tables(_scope, _shape.HeadSize) : ("", "");
        string last = _scope.Once("last_position", () => _graph.Add("Expand",
        [
            ToInt32(_graph.Add("Add",
                [GraphNames.PastLength, _graph.Add("Sub", [_scope.Length, _graph.Integers(1)])])),
            _graph.Add("Slice", [_scope.BatchAndLength, _graph.Integers(0), _graph.Integers(1)]),
        ]));
        string total = _scope.Once("total_length_int32", () => ToInt32(_graph.Add("Squeeze", [_scope.TotalLength])));
        List<OnnxAttribute> attributes =
        [
            ("num_heads", (long)_shape.Heads), ("kv_num_heads", (long)_shape.KeyValueHeads),
            ("do_rotary", FusesRotary ? 1L : 0L), ("scale", Scale),
        ];
        if (_spec.AttentionSoftCap is { } cap) attributes.Add(("softcap", cap));
        string output = $"{_graph.Scope}attended";
        _graph.Add($"{OnnxGraph.Contributed}.GroupQueryAttention",
            [
                _scope.Unfold(query, _shape.QueryWidth), _scope.Unfold(key, _shape.KeyValueWidth),
                _scope.Unfold(value, _shape.KeyValueWidth), GraphNames.PastKey(_layer), GraphNames.PastValue(_layer),
                last, total, cosine, sine,
            ],
            [output, GraphNames.PresentKey(_layer), GraphNames.PresentValue(_layer)], [.. attributes]);
        return output;

        string ToInt32(string x) => _graph.Add("Cast", [x], ("to", (long)OnnxElement.Int32));
    }

    // To [B, T, H, d]. The query heads of a key/value head are stacked, so that keys and values need no copy per query
    // head.
    private string AddStandard(string query, string key, string value)
    {
        int size = _shape.HeadSize, groups = _shape.KeyValueHeads;
        query = _graph.Add("Reshape", [Transposed(query, _shape.Heads), _graph.Integers(0, groups, -1, size)]);
        query = _graph.Add("Mul", [query, _graph.Number((float)Scale)]);
        key = Append(GraphNames.PastKey(_layer), Transposed(key, groups), GraphNames.PresentKey(_layer));
        value = Append(GraphNames.PastValue(_layer), Transposed(value, groups), GraphNames.PresentValue(_layer));
        string scores = _graph.Add(
            "MatMul", [query, _graph.Add("Transpose", [key], ("perm", new long[] { 0, 1, 3, 2 }))]);
        scores = _scope.SoftCap(scores, _spec.AttentionSoftCap);
        if (_shape.AlibiSlopes is { } slopes) scores = _graph.Add("Add", [scores, AlibiBias(slopes)]);
        scores = _graph.Add("Add", [scores, Mask(_shape.Heads / groups)]);
        string mixed = _graph.Add("MatMul", [_graph.Add("Softmax", [scores], ("axis", -1L)), value]);
        mixed = _graph.Add("Reshape", [mixed, _graph.Integers(0, _shape.Heads, -1, size)]);
        return _graph.Add("Transpose", [mixed], ("perm", new long[] { 0, 2, 1, 3 }));
    }

    // To [B, heads, T, d].
    private string Transposed(string x, int heads) => _graph.Add(
        "Transpose", [_scope.Unfold(x, heads, _shape.HeadSize)], ("perm", new long[] { 0, 2, 1, 3 }));

    private string Append(string past, string next, string present)
    {
        _graph.Add("Concat", [past, next], [present], ("axis", 2L));
        return present;
    }

    // [perGroup T, P + T]: 0 where a query may look, -infinity elsewhere.
    private string Mask(int perGroup) => _scope.Once($"mask[{perGroup},{_window}]", () =>
    {
        (string queries, string keys) = QueriesAndKeys();
        string closed = _graph.Add("Greater", [keys, queries]);
        if (_window is { } window)
        {
            string oldest = _graph.Add("Sub", [queries, _graph.Integers(window)]);
            closed = _graph.Add("Or", [closed, _graph.Add("LessOrEqual", [keys, oldest])]);
        }

        string mask = _graph.Add("Where", [closed, _graph.Number(float.NegativeInfinity), _graph.Number(0)]);
        return perGroup == 1 ? mask : _graph.Add("Tile", [mask, _graph.Integers(perGroup, 1)]);
    });

    // slope * (key's position - query's position), [G, perGroup T, P + T] (Press et al. 2021, arXiv:2108.12409).
    private string AlibiBias(HeadSlopes slopes)
    {
        string name = $"alibi[{string.Join(",", slopes)}]";
        return _scope.Once($"{name},{_shape.KeyValueHeads}", () =>
        {
            (string queries, string keys) = QueriesAndKeys();
            string distance = _graph.Add(
                "Cast", [_graph.Add("Sub", [keys, queries])], ("to", (long)OnnxElement.Float));
            string factors = _graph.Initializer(
                name, n => OnnxInitializer.Of(n, slopes.Select(slope => (float)slope).ToArray(), slopes.Count, 1, 1));
            string shape = _graph.Add(
                "Concat", [_graph.Integers(_shape.KeyValueHeads, -1), _scope.TotalLength], ("axis", 0L));
            return _graph.Add("Reshape", [_graph.Add("Mul", [factors, distance]), shape]);
        });
    }

    // Positions of the queries [T, 1] and of the keys [P + T], int64.
    private (string Queries, string Keys) QueriesAndKeys() => (
        _scope.Once("queries", () => _graph.Add(
            "Unsqueeze", [_graph.Add("Gather", [_scope.Positions, _graph.Integer(0)]), _graph.Integers(1)])),
        _scope.Once("keys", () => _graph.Add(
            "Range", [_graph.Integer(0), _graph.Add("Squeeze", [_scope.TotalLength]), _graph.Integer(1)])));
}
