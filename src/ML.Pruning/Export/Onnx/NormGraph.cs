using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Adds norms, together with the residual sums before them.</summary>
internal static class NormGraph
{
    /// <summary>x or x + y, and its norm.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="residual">x [B T, D].</param>
    /// <param name="addend">y [B T, D], or null.</param>
    /// <param name="weightName">Canonical name of the gain.</param>
    /// <param name="biasName">Canonical name of the bias, which LayerNorm has.</param>
    /// <returns>The sum and its norm, each [B T, D].</returns>
    public static (string Sum, string Normed) Add(
        GraphScope scope, string residual, string? addend, string weightName, string biasName)
    {
        string gain = scope.Weight(weightName);
        string[] parameters = scope.Spec.Norm == NormKind.LayerNorm ? [gain, scope.Weight(biasName)] : [gain];
        if (addend is not null && scope.Fused) return AddFused(scope, residual, addend, parameters);
        string sum = addend is null ? residual : scope.Graph.Add("Add", [residual, addend]);
        return (sum, Norm(scope, sum, parameters));
    }

    private static (string Sum, string Normed) AddFused(
        GraphScope scope, string residual, string addend, string[] parameters)
    {
        string type = scope.Spec.Norm switch
        {
            NormKind.LayerNorm => "SkipLayerNormalization",
            NormKind.RmsNorm => "SkipSimplifiedLayerNormalization",
            _ => throw Unknown(scope.Spec.Norm),
        };
        string name = $"{parameters[0]}/{type}";
        (string sum, string normed) = ($"{name}/sum", $"{name}/normed");
        scope.Graph.Add($"{OnnxGraph.Contributed}.{type}", [addend, residual, .. parameters], [normed, "", "", sum],
            ("epsilon", scope.Spec.NormEpsilon));
        return (sum, normed);
    }

    private static string Norm(GraphScope scope, string input, string[] parameters)
    {
        OnnxGraph graph = scope.Graph;
        switch (scope.Spec.Norm)
        {
            case NormKind.LayerNorm:
                return graph.Add("LayerNormalization", [input, .. parameters], ("epsilon", scope.Spec.NormEpsilon));
            case NormKind.RmsNorm:
                // ONNX Runtime recognises this pattern and runs it as one node.
                string square = graph.Add("Pow", [input, graph.Number(2)]);
                string mean = graph.Add("ReduceMean", [square], ("axes", new[] { -1L }));
                string size = graph.Add("Sqrt", [graph.Add("Add",
                    [mean, graph.Number((float)scope.Spec.NormEpsilon)])]);
                return graph.Add("Mul", [graph.Add("Div", [input, size]), parameters[0]]);
            default:
                throw Unknown(scope.Spec.Norm);
        }
    }

    private static NotSupportedException Unknown(NormKind kind) =>
        new($"The norm {kind} cannot be exported to ONNX.");
}
