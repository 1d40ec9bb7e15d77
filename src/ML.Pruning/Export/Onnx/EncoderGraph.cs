using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Builds the graph of an encoder with its head (<see cref="GraphNames"/>).</summary>
internal static class EncoderGraph
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
        scope.Graph.OptionalInput(
            OnnxInitializer.Of(GraphNames.AttentionMask, [1L], 1, 1), "mask_batch", "mask_sequence");
        string hidden = Embed(scope);
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            scope.Graph.Scope = $"layers.{layer}/";
            Dictionary<string, LinearSpec> linears = spec.Linears(layer).ToDictionary(l => l.Part);
            string attended = Attend(scope, spec.Layers[layer], linears, hidden);
            hidden = NormGraph.Add(scope, hidden, attended, TensorNames.Name(layer, TensorNames.AttentionSumNorm))
                .Normed;
            string transformed = MlpGraph.Add(scope, linears, hidden);
            hidden = NormGraph.Add(scope, hidden, transformed, TensorNames.Name(layer, TensorNames.MlpSumNorm)).Normed;
        }

        scope.Graph.Scope = "";
        AddEnd(scope, spec.Encoder!, hidden, options.WithStates);
        scope.Graph.Metadata[GraphNames.SpecKey] = spec.ToJson();
        return scope.Graph;
    }

    private static string Embed(GraphScope scope)
    {
        ModelSpec spec = scope.Spec;
        OnnxGraph graph = scope.Graph;
        string steps = graph.Add(
            "Range", [graph.Integer(0), graph.Add("Squeeze", [scope.Length]), graph.Integer(1)]);
        string rows = graph.Add("Add", [steps, graph.Integers(spec.PositionOffset)]);
        string hidden = graph.Add("Add",
        [
            graph.Add("Gather", [scope.Weight(TensorNames.Embedding), GraphNames.Tokens]),
            graph.Add("Gather", [scope.Weight(TensorNames.PositionEmbedding), rows]),
        ]);
        if (spec.Encoder!.TokenTypes > 0)
        {
            hidden = graph.Add("Add",
                [hidden, graph.Add("Gather", [scope.Weight(TensorNames.TokenTypeEmbedding), graph.Integer(0)])]);
        }

        return NormGraph.Norm(scope, scope.Fold(hidden, spec.HiddenSize), TensorNames.EmbeddingNorm);
    }

    private static string Attend(
        GraphScope scope, LayerSpec shape, IReadOnlyDictionary<string, LinearSpec> linears, string input)
    {
        OnnxGraph graph = scope.Graph;
        int size = shape.HeadSize;
        string[] projected = [.. ((string[])[TensorNames.Query, TensorNames.Key, TensorNames.Value])
            .Select(part => scope.Linear(linears[part], input))];
        if (scope.Fused)
        {
            string[] wide = [.. projected.Select(x => scope.Unfold(x, shape.QueryWidth))];
            string mask = scope.Once("mask_int32", () => graph.Add("Cast",
                [graph.Add("Expand", [GraphNames.AttentionMask, scope.BatchAndLength])],
                ("to", (long)OnnxElement.Int32)));
            string fused = graph.Add($"{OnnxGraph.Contributed}.MultiHeadAttention", [.. wide, "", mask],
                ("num_heads", (long)shape.Heads), ("scale", 1 / Math.Sqrt(size)));
            return scope.Linear(linears[TensorNames.Output], scope.Fold(fused, shape.QueryWidth));
        }

        // To [B, H, T, d].
        string Heads(string x) => graph.Add(
            "Transpose", [scope.Unfold(x, shape.Heads, size)], ("perm", new long[] { 0, 2, 1, 3 }));
        string query = graph.Add("Mul", [Heads(projected[0]), graph.Number((float)(1 / Math.Sqrt(size)))]);
        string key = graph.Add(
            "Transpose", [scope.Unfold(projected[1], shape.Heads, size)], ("perm", new long[] { 0, 2, 3, 1 }));
        string scores = graph.Add("Add", [graph.Add("MatMul", [query, key]), Closed(scope)]);
        string mixed = graph.Add(
            "MatMul", [graph.Add("Softmax", [scores], ("axis", -1L)), Heads(projected[2])]);
        mixed = graph.Add("Transpose", [mixed], ("perm", new long[] { 0, 2, 1, 3 }));
        return scope.Linear(linears[TensorNames.Output], scope.Fold(mixed, shape.QueryWidth));
    }

    // [B, 1, 1, T]: 0 where all may look, -infinity at tokens that fill up.
    private static string Closed(GraphScope scope) => scope.Once("closed", () =>
    {
        OnnxGraph graph = scope.Graph;
        string fills = graph.Add("Equal", [GraphNames.AttentionMask, graph.Integer(0)]);
        string closed = graph.Add("Where", [fills, graph.Number(float.NegativeInfinity), graph.Number(0)]);
        return graph.Add("Unsqueeze", [closed, graph.Integers(1, 2)]);
    });

    private static void AddEnd(GraphScope scope, EncoderSpec encoder, string hidden, bool withStates)
    {
        ModelSpec spec = scope.Spec;
        OnnxGraph graph = scope.Graph;
        if (withStates || encoder.Head == EncoderHead.None) Declare(hidden, GraphNames.HiddenState, spec.HiddenSize);
        if (encoder.IsMaskedLanguageModel)
        {
            string transformed = MlpGraph.Activate(
                graph, encoder.HeadActivation, Map(TensorNames.HeadTransform, hidden));
            string logits = scope.Head(NormGraph.Norm(scope, transformed, TensorNames.HeadNorm));
            if (spec.HeadBias) logits = graph.Add("Add", [logits, scope.Weight(TensorNames.HeadBias)]);
            Declare(logits, GraphNames.Logits, spec.VocabularySize);
            return;
        }

        if (encoder.Pooler is not { } activation) return;
        string first =
            graph.Add("Gather", [scope.Unfold(hidden, spec.HiddenSize), graph.Integer(0)], ("axis", 1L));
        string pooled = MlpGraph.Activate(graph, activation, Map(TensorNames.Pooler, first));
        string name = encoder.IsClassifier ? GraphNames.Logits : GraphNames.PoolerOutput;
        int width = encoder.IsClassifier ? encoder.Labels.Count : spec.HiddenSize;
        graph.Add("Identity", [encoder.IsClassifier ? Map(TensorNames.Classifier, pooled) : pooled], [name]);
        graph.Output(name, OnnxElement.Float, GraphNames.Batch, width);

        string Map(string name, string x) =>
            scope.Multiply(x, scope.Weight(name + ".weight"), scope.Weight(name + ".bias"));

        void Declare(string x, string output, int width)
        {
            graph.Add("Identity", [scope.Unfold(x, width)], [output]);
            graph.Output(output, OnnxElement.Float, GraphNames.Batch, GraphNames.Sequence, width);
        }
    }
}
