using ML.Pruning.Models;

namespace ML.Pruning.Export.Onnx;

/// <summary>Adds rotary positions (Su et al. 2021, arXiv:2104.09864): of the first r dimensions of a head, element i of
/// the first half turns with element i of the second half by the angle position * theta^(-2i/r), scaled as the spec
/// says; later dimensions stay.</summary>
/// <remarks>Angles are computed in float64 and stored as tables of cosines and sines for the whole context, one pair
/// for each head size; LongRoPE has a second pair, for sequences longer than it was trained on.</remarks>
internal static class RotaryGraph
{
    /// <summary>The tables of a head size.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="headSize">Width of a head.</param>
    /// <param name="isLong">LongRoPE: those for long sequences.</param>
    /// <returns>Cosines and sines, each [context, r/2].</returns>
    public static (string Cosine, string Sine) Tables(GraphScope scope, int headSize, bool isLong = false) =>
        (Table(scope, "cosine", headSize, isLong, Math.Cos), Table(scope, "sine", headSize, isLong, Math.Sin));

    /// <summary>Turns queries or keys with standard operators.</summary>
    /// <param name="scope">The graph.</param>
    /// <param name="heads">[B, T, H, d].</param>
    /// <param name="headSize">d.</param>
    /// <returns>[B, T, H, d].</returns>
    public static string Turn(GraphScope scope, string heads, int headSize)
    {
        OnnxGraph graph = scope.Graph;
        int width = scope.Spec.RotaryWidth(headSize);
        (string cosine, string sine) = Rows(scope, headSize);
        string first = Part(graph, heads, 0, width / 2), second = Part(graph, heads, width / 2, width);
        string turnedFirst = graph.Add(
            "Sub", [graph.Add("Mul", [first, cosine]), graph.Add("Mul", [second, sine])]);
        string turnedSecond = graph.Add(
            "Add", [graph.Add("Mul", [second, cosine]), graph.Add("Mul", [first, sine])]);
        string[] parts = width == headSize
            ? [turnedFirst, turnedSecond]
            : [turnedFirst, turnedSecond, Part(graph, heads, width, headSize)];
        return graph.Add("Concat", parts, ("axis", -1L));
    }

    private static string Part(OnnxGraph graph, string heads, int start, int end) => graph.Add(
        "Slice", [heads, graph.Integers(start), graph.Integers(end), graph.Integers(-1)]);

    // The rows of the new tokens' positions, each [1, T, 1, r/2].
    private static (string Cosine, string Sine) Rows(GraphScope scope, int headSize)
    {
        (string cosine, string sine) = Tables(scope, headSize);
        if (scope.Spec.RopeScaling is not { Kind: RopeScalingKind.LongRope } scaling)
            return (Row(cosine), Row(sine));

        string isLong = scope.Once("is_long", () => scope.Graph.Add(
            "Greater", [scope.TotalLength, scope.Graph.Integers(scaling.OriginalContextLength)]));
        (string longCosine, string longSine) = Tables(scope, headSize, isLong: true);
        return (Choose(longCosine, cosine), Choose(longSine, sine));

        string Choose(string whenLong, string otherwise) => scope.Once(
            $"{whenLong} or {otherwise}", () => scope.Graph.Add("Where", [isLong, Row(whenLong), Row(otherwise)]));

        string Row(string table) => scope.Once($"rows of {table}", () => scope.Graph.Add(
            "Unsqueeze", [scope.Graph.Add("Gather", [table, scope.Positions]), scope.Graph.Integers(2)]));
    }

    private static string Table(
        GraphScope scope, string name, int headSize, bool isLong, Func<double, double> function) =>
        scope.Graph.Initializer($"rotary_{(isLong ? "long_" : "")}{name}_{headSize}", value =>
        {
            ModelSpec spec = scope.Spec;
            int width = spec.RotaryWidth(headSize), pairs = width / 2;
            double factor = spec.RopeScaling?.AttentionFactor ?? 1;
            var table = new float[spec.ContextLength * pairs];
            for (int i = 0; i < pairs; i++)
            {
                double frequency = Math.Pow(spec.RopeTheta, -2.0 * i / width);
                frequency = spec.RopeScaling?.Scale(frequency, i, isLong) ?? frequency;
                for (int position = 0; position < spec.ContextLength; position++)
                    table[position * pairs + i] = (float)(factor * function(position * frequency));
            }

            return OnnxInitializer.Of(value, table, spec.ContextLength, pairs);
        });
}
