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
    /// <param name="operators">The operators that the graph may use.</param>
    /// <returns>The graph.</returns>
    /// <exception cref="NotSupportedException">The model has a part that the exporter does not know; the message names
    /// it.</exception>
    public static OnnxGraph Build(
        ModelSpec spec, IReadOnlyDictionary<string, StoredTensor> weights, OnnxOperators operators)
    {
        ExportableSpec.Check(spec);
        var scope = new GraphScope(spec, weights, operators);
        scope.Graph.Output(
            GraphNames.Logits, OnnxElement.Float, GraphNames.Batch, "kept", spec.VocabularySize);
        string hidden = Embed(scope);
        string? addend = null;
        var shared = new List<int>();
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            scope.Graph.Scope = $"layers.{layer}/";
            Dictionary<string, LinearSpec> linears = spec.Linears(layer).ToDictionary(l => l.Part);
            var attention = new AttentionGraph(scope, layer);
            if (attention.IsFused) shared.Add(layer);
            (hidden, string normed) = Norm(TensorNames.AttentionNorm);
            addend = attention.Add(linears, normed);
            (hidden, normed) = Norm(TensorNames.MlpNorm);
            addend = MlpGraph.Add(scope, linears, normed);

            (string Sum, string Normed) Norm(string part) => NormGraph.Add(
                scope, hidden, addend, TensorNames.Weight(layer, part), TensorNames.Bias(layer, part));
        }

        scope.Graph.Scope = "";
        AddHead(scope, NormGraph.Add(scope, hidden, addend, TensorNames.FinalNorm, TensorNames.FinalNormBias).Normed);
        scope.Graph.Metadata[GraphNames.SpecKey] = spec.ToJson();
        scope.Graph.Metadata[GraphNames.SharedBuffersKey] = string.Join(',', shared);
        return scope.Graph;
    }

    private static string Embed(GraphScope scope)
    {
        ModelSpec spec = scope.Spec;
        OnnxGraph graph = scope.Graph;
        string hidden = graph.Add("Gather", [scope.Weight(TensorNames.Embedding), GraphNames.Tokens]);
        if (spec.Positions == PositionKind.Learned)
        {
            string rows = spec.PositionOffset == 0
                ? scope.Positions
                : graph.Add("Add", [scope.Positions, graph.Integers(spec.PositionOffset)]);
            hidden = graph.Add(
                "Add", [hidden, graph.Add("Gather", [scope.Weight(TensorNames.PositionEmbedding), rows])]);
        }

        return scope.Fold(hidden, spec.HiddenSize);
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
        string logits = scope.Multiply(scope.Fold(kept, spec.HiddenSize),
            scope.Weight(spec.TiedHead ? TensorNames.Embedding : TensorNames.Head));
        string shape = graph.Add("Concat",
        [
            graph.Add("Slice", [scope.BatchAndLength, graph.Integers(0), graph.Integers(1)]),
            graph.Integers(-1, spec.VocabularySize),
        ], ("axis", 0L));
        graph.Add("Reshape", [logits, shape], [GraphNames.Logits]);
    }
}
