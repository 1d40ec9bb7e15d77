using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Adds rotary positions (Su et al. 2021, arXiv:2104.09864): element i of the first half of a head turns with
/// element i of the second half by the angle position * theta^(-2i/d), scaled as the spec says.</summary>
/// <remarks>Angles are computed in float64 and stored as tables of cosines and sines for the whole context, one pair
/// for each head size.</remarks>
internal static class RotaryGraph
{
    /// <summary>The tables of a head size.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="headSize">Width d of a head, even.</param>
    /// <returns>Cosines and sines, each [context, d/2].</returns>
    public static (string Cosine, string Sine) Tables(GraphScope scope, int headSize) =>
        (Table(scope, "cosine", headSize, Math.Cos), Table(scope, "sine", headSize, Math.Sin));

    /// <summary>Turns queries or keys with standard operators.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="heads">[B, T, H, d].</param>
    /// <param name="headSize">d.</param>
    /// <returns>[B, T, H, d].</returns>
    public static string Turn(GraphScope scope, string heads, int headSize)
    {
        OnnxGraph graph = scope.Graph;
        (string cosines, string sines) = Tables(scope, headSize);
        string cosine = Rows(scope, cosines), sine = Rows(scope, sines);
        string first = Part(graph, heads, 0, headSize / 2), second = Part(graph, heads, headSize / 2, headSize);
        string turnedFirst = graph.Add(
            "Sub", [graph.Add("Mul", [first, cosine]), graph.Add("Mul", [second, sine])]);
        string turnedSecond = graph.Add(
            "Add", [graph.Add("Mul", [second, cosine]), graph.Add("Mul", [first, sine])]);
        return graph.Add("Concat", [turnedFirst, turnedSecond], ("axis", -1L));
    }

    private static string Part(OnnxGraph graph, string heads, int start, int end) => graph.Add(
        "Slice", [heads, graph.Integers(start), graph.Integers(end), graph.Integers(-1)]);

    // The rows of the new tokens' positions, [1, T, 1, d/2].
    private static string Rows(GraphScope scope, string table) => scope.Once($"rows of {table}", () => scope.Graph.Add(
        "Unsqueeze", [scope.Graph.Add("Gather", [table, scope.Positions]), scope.Graph.Integers(2)]));

    private static string Table(GraphScope scope, string name, int headSize, Func<double, double> function) =>
        scope.Graph.Initializer($"rotary_{name}_{headSize}", value =>
        {
            ModelSpec spec = scope.Spec;
            int pairs = headSize / 2;
            var table = new float[spec.ContextLength * pairs];
            for (int i = 0; i < pairs; i++)
            {
                double frequency = Math.Pow(spec.RopeTheta, -2.0 * i / headSize);
                frequency = spec.RopeScaling?.Scale(frequency) ?? frequency;
                for (int position = 0; position < spec.ContextLength; position++)
                    table[position * pairs + i] = (float)function(position * frequency);
            }

            return OnnxInitializer.Of(value, table, spec.ContextLength, pairs);
        });
}
