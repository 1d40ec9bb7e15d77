using ML.Pruning.Models;

namespace ML.Pruning.Calibration;

/// <summary>An input that one or more linear maps of a layer share, so that it is observed once.</summary>
/// <param name="Layer">Layer, from 0.</param>
/// <param name="Features">Input features.</param>
/// <param name="Parts">The maps that take it, such as <see cref="TensorNames.Query"/>; the first one is
/// observed.</param>
internal sealed record LinearInput(int Layer, int Features, IReadOnlyList<string> Parts)
{
    // Query, key and value read the normed input of attention, gate and up that of the MLP.
    private static readonly string[][] s_shared =
    [
        [TensorNames.Query, TensorNames.Key, TensorNames.Value],
        [TensorNames.Output],
        [TensorNames.Gate, TensorNames.Up],
        [TensorNames.Down],
    ];

    /// <summary>The distinct inputs of a layer's linear maps, in the order of the forward pass.</summary>
    public static IReadOnlyList<LinearInput> Of(ModelSpec spec, int layer)
    {
        IReadOnlyList<LinearSpec> linears = spec.Linears(layer);
        var inputs = new List<LinearInput>();
        foreach (string[] parts in s_shared)
        {
            LinearSpec[] members = [.. linears.Where(l => parts.Contains(l.Part))];
            inputs.Add(new LinearInput(layer, members[0].InFeatures, [.. members.Select(m => m.Part)]));
        }

        return inputs;
    }
}
