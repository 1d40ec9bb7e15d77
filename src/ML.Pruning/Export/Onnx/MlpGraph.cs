using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Adds the MLP of a layer: down(act(gate(x)) * up(x)), or down(act(up(x))) without a gate.</summary>
internal static class MlpGraph
{
    /// <summary>Adds the nodes.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="linears">The layer's linear maps by part.</param>
    /// <param name="input">Normed hidden states [B T, D].</param>
    /// <returns>[B T, D].</returns>
    public static string Add(GraphScope scope, IReadOnlyDictionary<string, LinearSpec> linears, string input)
    {
        string up = scope.Linear(linears[TensorNames.Up], input);
        string inner = linears.TryGetValue(TensorNames.Gate, out LinearSpec? gate)
            ? scope.Graph.Add("Mul", [Activate(scope.Graph, scope.Spec.Activation, scope.Linear(gate, input)), up])
            : Activate(scope.Graph, scope.Spec.Activation, up);
        return scope.Linear(linears[TensorNames.Down], inner);
    }

    /// <summary>Adds a non-linearity.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="kind">Which.</param>
    /// <param name="x">Of any shape.</param>
    /// <returns>Of the same shape.</returns>
    public static string Activate(OnnxGraph graph, ActivationKind kind, string x)
    {
        switch (kind)
        {
            case ActivationKind.Silu:
                return graph.Add("Mul", [x, graph.Add("Sigmoid", [x])]);
            case ActivationKind.Gelu:
                return Gelu(graph, x, graph.Add("Erf", [graph.Add("Div", [x, graph.Number(MathF.Sqrt(2))])]));
            case ActivationKind.GeluTanh:
                // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): Hendrycks and Gimpel 2016, arXiv:1606.08415.
                string cubic = graph.Add("Mul", [graph.Add("Mul", [graph.Add("Mul", [x, x]), x]),
                    graph.Number(0.044715f)]);
                string inner = graph.Add("Mul", [graph.Add("Add", [x, cubic]),
                    graph.Number((float)Math.Sqrt(2 / Math.PI))]);
                return Gelu(graph, x, graph.Add("Tanh", [inner]));
            case ActivationKind.Relu:
                return graph.Add("Relu", [x]);
            case ActivationKind.Tanh:
                return graph.Add("Tanh", [x]);
            default:
                throw new NotSupportedException($"The activation {kind} cannot be exported to ONNX.");
        }
    }

    private static string Gelu(OnnxGraph graph, string x, string error) => graph.Add(
        "Mul", [graph.Add("Mul", [x, graph.Add("Add", [error, graph.Number(1)])]), graph.Number(0.5f)]);
}
