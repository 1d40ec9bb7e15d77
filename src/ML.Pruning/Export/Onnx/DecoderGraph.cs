using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Builds the graph of a decoder: prefill and decoding in one, with keys and values as inputs and
/// outputs (<see cref="GraphNames"/>).</summary>
internal static class DecoderGraph
{
    /// <summary>Builds the graph.</summary>
    /// <param name="spec">The model's shape.</param>
    /// <param name="weights">Stored tensors by canonical name.</param>
    /// <param name="options">The operators that the graph may use.</param>
    /// <returns>The graph.</returns>
    /// <exception cref="NotSupportedException">The model has a part that the exporter does not know; the message names
    /// it.</exception>
    public static OnnxGraph Build(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, OnnxExportOptions options)
    {
        ExportableSpec.Check(spec);
        var scope = new GraphScope(spec, weights, options);
        scope.Graph.Output(
            GraphNames.Logits, OnnxElement.Float, GraphNames.Batch, "kept", spec.VocabularySize);
        string hidden = Embed(scope);
        string? addend = null;
        var shared = new List<int>();
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            scope.Graph.Scope = $"layers.{layer}/";
            var attention = new AttentionGraph(scope, layer);
            if (attention.IsFused) shared.Add(layer);
            (hidden, addend) = AddLayer(scope, layer, attention, hidden, addend);
        }

        scope.Graph.Scope = "";
        string states = NormGraph.Add(scope, hidden, addend, TensorNames.LastNorm).Normed;
        if (options.WithStates)
        {
            scope.Graph.Output(
                GraphNames.States, OnnxElement.Float, GraphNames.Batch, GraphNames.Sequence, spec.HiddenSize);
            scope.Graph.Add("Identity", [scope.Unfold(states, spec.HiddenSize)], [GraphNames.States]);
        }

        AddHead(scope, states);
        scope.Graph.Metadata[GraphNames.SpecKey] = spec.ToJson();
        scope.Graph.Metadata[GraphNames.SharedBuffersKey] = string.Join(',', shared);
        return scope.Graph;
    }

    private static string Embed(GraphScope scope)
    {
        ModelSpec spec = scope.Spec;
        OnnxGraph graph = scope.Graph;
        string hidden = graph.Add("Gather", [scope.Weight(TensorNames.Embedding), GraphNames.Tokens]);
        if (spec.EmbeddingScale != 1)
            hidden = graph.Add("Mul", [hidden, graph.Number((float)spec.EmbeddingScale)]);
        if (spec.Positions == PositionKind.Learned)
        {
            string rows = spec.PositionOffset == 0
                ? scope.Positions
                : graph.Add("Add", [scope.Positions, graph.Integers(spec.PositionOffset)]);
            hidden = graph.Add(
                "Add", [hidden, graph.Add("Gather", [scope.Weight(TensorNames.PositionEmbedding), rows])]);
        }

        hidden = scope.Fold(hidden, spec.HiddenSize);
        return spec.EmbeddingNorm ? NormGraph.Norm(scope, hidden, TensorNames.EmbeddingNorm) : hidden;
    }

    // x is in two parts, because the norm that follows adds them.
    private static (string Hidden, string Addend) AddLayer(
        GraphScope scope, int layer, AttentionGraph attention, string hidden, string? addend)
    {
        ModelSpec spec = scope.Spec;
        Dictionary<string, LinearSpec> linears = spec.Linears(layer).ToDictionary(l => l.Part);
        (hidden, string normed) = NormGraph.Add(scope, hidden, addend, Name(TensorNames.AttentionNorm));
        string attended = PostNorm(attention.Add(linears, normed), TensorNames.AttentionPostNorm);
        if (spec.ParallelResidual)
        {
            normed = NormGraph.Norm(scope, hidden, Name(TensorNames.MlpNorm));
            hidden = scope.Graph.Add("Add", [hidden, attended]);
        }
        else
        {
            (hidden, normed) = NormGraph.Add(scope, hidden, attended, Name(TensorNames.MlpNorm));
        }

        return (hidden, PostNorm(MlpGraph.Add(scope, linears, normed), TensorNames.MlpPostNorm));

        string Name(string part) => TensorNames.Name(layer, part);

        string PostNorm(string x, string part) => spec.PostNorms ? NormGraph.Norm(scope, x, Name(part)) : x;
    }

    private static void AddHead(GraphScope scope, string normed)
    {
        ModelSpec spec = scope.Spec;
        OnnxGraph graph = scope.Graph;
        string kept = graph.Add("Slice",
        [
            scope.Unfold(normed, spec.HiddenSize), graph.Add("Neg", [GraphNames.LogitsToKeep]),
            graph.Integers(long.MaxValue), graph.Integers(1),
        ]);
        string logits = scope.SoftCap(scope.Head(scope.Fold(kept, spec.HiddenSize)), spec.LogitSoftCap);
        string shape = graph.Add("Concat",
        [
            graph.Add("Slice", [scope.BatchAndLength, graph.Integers(0), graph.Integers(1)]),
            graph.Integers(-1, spec.VocabularySize),
        ], ("axis", 0L));
        graph.Add("Reshape", [logits, shape], [GraphNames.Logits]);
    }
}
