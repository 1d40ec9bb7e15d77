using System.Globalization;
using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Adds norms, together with the residual sums before them.</summary>
internal static class NormGraph
{
    /// <summary>x + y and its norm.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="residual">x [B T, D].</param>
    /// <param name="addend">y [B T, D]; null = nothing is added.</param>
    /// <param name="name">Canonical name of the norm, without ".weight".</param>
    /// <returns>The sum and its norm, each [B T, D].</returns>
    public static (string Sum, string Normed) Add(GraphScope scope, string residual, string? addend, string name)
    {
        if (addend is null) return (residual, Norm(scope, residual, name));
        if (!scope.Fused)
        {
            residual = scope.Graph.Add("Add", [residual, addend]);
            return (residual, Norm(scope, residual, name));
        }

        string type = scope.Spec.Norm switch
        {
            NormKind.LayerNorm => "SkipLayerNormalization",
            NormKind.RmsNorm => "SkipSimplifiedLayerNormalization",
            _ => throw Unknown(scope.Spec.Norm),
        };
        (string sum, string normed) = ($"{name}/sum", $"{name}/normed");
        scope.Graph.Add($"{OnnxGraph.Contributed}.{type}", [addend, residual, .. Parameters(scope, name)],
            [normed, "", "", sum], ("epsilon", scope.Spec.NormEpsilon));
        return (sum, normed);
    }

    /// <summary>A norm over the last dimension.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="input">[.., width].</param>
    /// <param name="name">Canonical name of the norm, without ".weight".</param>
    /// <returns>[.., width].</returns>
    public static string Norm(GraphScope scope, string input, string name)
    {
        OnnxGraph graph = scope.Graph;
        string[] parameters = Parameters(scope, name);
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

    // Gain and, where the model's norms have one, bias.
    private static string[] Parameters(GraphScope scope, string name)
    {
        string gain = name + ".weight";
        double offset = scope.Spec.NormGainOffset;
        string value = offset == 0 ? scope.Weight(gain) : scope.Graph.Initializer(
            string.Create(CultureInfo.InvariantCulture, $"{gain} + {offset}"), shifted =>
            {
                float[] gains = Array.ConvertAll(scope.Stored(gain).ToArray(), g => (float)(g + offset));
                return OnnxInitializer.Of(shifted, gains, gains.Length);
            });
        return scope.Spec.NormsHaveBias ? [value, scope.Weight(name + ".bias")] : [value];
    }

    private static NotSupportedException Unknown(NormKind kind) =>
        new($"The norm {kind} cannot be exported to ONNX.");
}
