using ML.Pruning.Models;
using ML.Pruning.Tests.Sparsity;
using ML.Pruning.Tests.TestKit;

namespace ML.Pruning.Tests.Pruning;

/// <summary>Wanda with its calibration in float64, by plain loops: for each layer the whole model, pruned so far, runs
/// over all windows, and the inputs of that layer's linear maps are summed up.</summary>
internal static class Float64Wanda
{
    /// <summary>Which weights stay, by tensor.</summary>
    /// <param name="model">The model.</param>
    /// <param name="windows">Calibration tokens.</param>
    /// <param name="group">Group of a weight, given tensor, row and column; groups never span layers.</param>
    /// <param name="sparsity">Fraction of each group to drop.</param>
    public static Dictionary<string, bool[]> Prune(
        LanguageModel model, int[][] windows, Func<string, int, int, object> group, double sparsity)
    {
        var keep = new Dictionary<string, bool[]>();
        LanguageModel current = model;
        for (int layer = 0; layer < model.Spec.Layers.Count; layer++)
        {
            Dictionary<string, double[]> sums = SumSquares(current, layer, windows);
            foreach ((string name, bool[] kept) in Select(model, layer, sums, group, sparsity)) keep.Add(name, kept);
            current = PrunedModels.With(model, keep.ToDictionary(k => k.Key, k =>
                (float[])[.. model.Weights[k.Key].ToArray().Select((w, i) => k.Value[i] ? w : 0)]));
        }

        return keep;
    }

    /// <summary>Sums of squares of the inputs of a layer's linear maps, by part.</summary>
    public static Dictionary<string, double[]> SumSquares(LanguageModel model, int layer, int[][] windows)
    {
        var sums = new Dictionary<string, double[]>();
        var decoder = new Float64Decoder(model)
        {
            InputObserver = (l, part, x) =>
            {
                if (l != layer) return;
                if (!sums.TryGetValue(part, out double[]? sum)) sums.Add(part, sum = new double[x.Length]);
                for (int i = 0; i < x.Length; i++) sum[i] += x[i] * x[i];
            },
        };
        foreach (int[] window in windows) decoder.Logits(window);
        return sums;
    }

    private static IEnumerable<(string Name, bool[] Keep)> Select(LanguageModel model, int layer,
        Dictionary<string, double[]> sums, Func<string, int, int, object> group, double sparsity)
    {
        // All weights of the layer in one list, so that groups may span tensors.
        var names = new List<string>();
        var scores = new List<double>();
        var groups = new List<object>();
        foreach (LinearSpec linear in model.Spec.Linears(layer))
        {
            float[] weight = model.Weights[linear.WeightName].ToArray();
            for (int i = 0; i < weight.Length; i++)
            {
                int row = i / linear.InFeatures, column = i % linear.InFeatures;
                names.Add(linear.WeightName);
                scores.Add(weight[i] == 0
                    ? double.NegativeInfinity
                    : Math.Abs((double)weight[i]) * Math.Sqrt(sums[linear.Part][column]));
                groups.Add(group(linear.WeightName, row, column));
            }
        }

        object[] distinct = [.. groups.Distinct()];
        Dictionary<object, int> number = distinct.Select((g, i) => (g, i)).ToDictionary(p => p.g, p => p.i);
        bool[] keep = SortOracle.Keep(scores, i => number[groups[i]], sparsity);
        return names.Zip(keep).GroupBy(p => p.First).Select(g => (g.Key, g.Select(p => p.Second).ToArray()));
    }
}
