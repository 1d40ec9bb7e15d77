using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>Lays out the data flow of a decoder or encoder: which parameter reads and writes what. It knows what any
/// transformer has (a residual stream, attention with grouped heads, an MLP) and takes everything else from the
/// spec.</summary>
internal sealed class DecoderGraph
{
    private readonly ModelSpec _spec;
    private readonly List<GraphNode> _nodes = [];
    private readonly HashSet<string> _placed = new(StringComparer.Ordinal);

    private DecoderGraph(ModelSpec spec) => _spec = spec;

    /// <summary>The nodes, connected.</summary>
    /// <exception cref="PruningException">A parameter has no known place.</exception>
    public static IReadOnlyList<GraphNode> Build(ModelSpec spec)
    {
        var graph = new DecoderGraph(spec);
        GraphNode stream = graph.Embedding();
        for (int layer = 0; layer < spec.Layers.Count; layer++) stream = graph.Layer(layer, stream);
        graph.End(stream);
        if (spec.Parameters().FirstOrDefault(p => !graph._placed.Contains(p.Name)) is { } unknown)
        {
            throw new PruningException($"It is not known what the parameter '{unknown.Name}' reads and writes, so the "
                + "model cannot be cut into groups; use a method that only sets weights to zero.");
        }

        return graph._nodes;
    }

    // The directions of a rotated stream are not channels that could go one by one; an encoder's pooler and head have
    // the width of the stream, in and out, so that channels are not offered there either.
    private GroupKind? Stream => _spec.ResidualWidth is null && _spec.Encoder is null ? GroupKind.Channel : null;

    private GraphNode Embedding()
    {
        GraphNode embedding = Node("embedding", -1, _spec.StreamWidth, Stream);
        foreach (ParameterSpec p in Parameters(-1).Where(p => p.Role == ParameterRole.Embedding))
            Place(p, embedding, dimension: 1, width: 1);
        GraphNode stream = embedding;
        foreach (ParameterSpec p in Parameters(-1).Where(
            p => p.Role == ParameterRole.Norm && p.Name is TensorNames.EmbeddingNormGain
                or TensorNames.EmbeddingNormBias))
        {
            stream = stream.Feed(Node(p.Name, -1, _spec.HiddenSize));
            Place(p, stream, dimension: 0, width: 1);
        }

        return stream;
    }

    private void End(GraphNode stream)
    {
        if (_spec.Encoder is not null)
        {
            foreach (ParameterSpec p in Parameters(-1)) _placed.Add(p.Name);
            return;
        }

        GraphNode norm = stream.Feed(Node("final norm", -1, _spec.HiddenSize));
        foreach (ParameterSpec p in Parameters(-1)
            .Where(p => p.Role == ParameterRole.Norm && !_placed.Contains(p.Name)))
            Place(p, norm, dimension: 0, width: 1);
        GraphNode head = norm.Feed(Node("columns of the head", -1, _spec.HiddenSize));
        head.Own(_spec.TiedHead ? TensorNames.Embedding : TensorNames.Head, dimension: 1, width: 1);
        _placed.Add(TensorNames.Head);
        _placed.Add(TensorNames.HeadBias);
    }

    private GraphNode Layer(int layer, GraphNode stream)
    {
        LayerSpec shape = _spec.Layers[layer];
        GraphNode attentionInput = Norm(layer, TensorNames.AttentionNorm, stream);
        GraphNode attention = Node($"attention of layer {layer}", layer, shape.Heads, GroupKind.Heads);
        Rows(layer, TensorNames.Query, attentionInput, shape.Heads).Feed(attention);
        Rows(layer, TensorNames.Key, attentionInput, shape.KeyValueHeads).Feed(attention);
        Rows(layer, TensorNames.Value, attentionInput, shape.KeyValueHeads).Feed(attention);
        HeadNorms(layer);
        GraphNode mixed = Norm(layer, TensorNames.AttentionSumNorm,
            Columns(layer, TensorNames.Output, attention, stream, TensorNames.AttentionPostNorm));

        // With a parallel residual the MLP reads the stream before attention; a channel is the same before and after.
        GraphNode mlpInput = Norm(layer, TensorNames.MlpNorm, mixed);
        GraphNode neurons = Node($"activation of layer {layer}", layer, shape.MlpWidth, GroupKind.Neuron);
        foreach (string part in (string[])[TensorNames.Gate, TensorNames.Up])
        {
            if (Parameters(layer).Any(p => p.Part == part))
                Rows(layer, part, mlpInput, shape.MlpWidth).Feed(neurons);
        }

        // Shortcuts of a rotated stream are linear maps between bases: no direction before them is one after them.
        foreach (ParameterSpec p in Parameters(layer).Where(p => p.Role == ParameterRole.Shortcut)) _placed.Add(p.Name);
        return Norm(layer, TensorNames.MlpSumNorm,
            Columns(layer, TensorNames.Down, neurons, mixed, TensorNames.MlpPostNorm));
    }

    private GraphNode Norm(int layer, string part, GraphNode stream)
    {
        ParameterSpec[] parameters = [.. Parameters(layer).Where(p => p.Part == part)];
        if (parameters.Length == 0) return stream;
        GraphNode norm = stream.Feed(Node($"{part} of layer {layer}", layer, _spec.HiddenSize));
        foreach (ParameterSpec p in parameters) Place(p, norm, dimension: 0, width: 1);
        return norm;
    }

    // The outputs of a linear map, some of them to a head; its inputs read the stream.
    private GraphNode Rows(int layer, string part, GraphNode input, int units)
    {
        GraphNode columns = input.Feed(Node($"columns of {part} of layer {layer}", layer, input.Units));
        GraphNode rows = Node($"rows of {part} of layer {layer}", layer, units);
        foreach (ParameterSpec p in Parameters(layer).Where(p => p.Part == part))
        {
            Place(p, rows, dimension: 0, width: (int)p.Shape[0] / units);
            if (p.Shape.Count == 2) columns.Own(p.Name, dimension: 1, width: (int)p.Shape[1] / columns.Units);
        }

        return rows;
    }

    // The inputs of a linear map read heads or neurons; its outputs are added to the stream, normed first in some
    // families.
    private GraphNode Columns(int layer, string part, GraphNode input, GraphNode stream, string postNorm)
    {
        GraphNode columns = input.Feed(Node($"columns of {part} of layer {layer}", layer, input.Units));
        ParameterSpec[] parameters = [.. Parameters(layer).Where(p => p.Part == part)];
        int width = (int)parameters[0].Shape[0];
        GraphNode rows = Node($"rows of {part} of layer {layer}", layer, width);
        foreach (ParameterSpec p in parameters)
        {
            Place(p, rows, dimension: 0, width: 1);
            if (p.Shape.Count == 2) columns.Own(p.Name, dimension: 1, width: (int)p.Shape[1] / columns.Units);
        }

        GraphNode sum = Node($"residual sum after {part} of layer {layer}", layer, width, Stream);
        if (_spec.ResidualWidth is null) stream.Feed(sum);
        Norm(layer, postNorm, rows).Feed(sum);
        return sum;
    }

    // One gain that all heads share: it stays as long as there is a head.
    private void HeadNorms(int layer)
    {
        foreach (ParameterSpec p in Parameters(layer).Where(p => p.Part is TensorNames.QueryNorm or TensorNames.KeyNorm
            && p.Shape[0] == _spec.Layers[layer].HeadSize))
        {
            _placed.Add(p.Name);
        }
    }

    private GraphNode Node(string name, int layer, int units, GroupKind? kind = null)
    {
        var node = new GraphNode(name, layer, units, kind);
        _nodes.Add(node);
        return node;
    }

    private void Place(ParameterSpec parameter, GraphNode node, int dimension, int width)
    {
        node.Own(parameter.Name, dimension, width);
        _placed.Add(parameter.Name);
    }

    private IEnumerable<ParameterSpec> Parameters(int layer) =>
        layer >= 0 ? _spec.LayerParameters(layer) : _spec.Parameters().Where(p => p.Layer < 0);
}
