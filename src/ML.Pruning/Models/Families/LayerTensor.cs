namespace ML.Pruning.Models.Families;

/// <summary>One row of a family's table of names: a module of a layer in the checkpoint, and the canonical parts that
/// its tensors hold.</summary>
/// <param name="Source">Name of the module within the layer, such as <c>attn.c_attn</c>.</param>
/// <param name="Parts">The canonical parts, such as <see cref="TensorNames.Query"/>; stacked when several.</param>
internal sealed record LayerTensor(string Source, params string[] Parts)
{
    /// <summary>Whether weights are stored [inFeatures, outFeatures].</summary>
    public bool Transposed { get; init; }

    /// <summary>Whether the parts are stacked head by head instead of one after the other.</summary>
    public bool ByHead { get; init; }

    /// <summary>The tensors of this module in one layer; none when the spec has no such part. The weight; and the
    /// biases, stacked as the weight when all parts have one. Otherwise those that a method added stand alone, under
    /// the name of the module and the part, such as
    /// <c>attn.c_attn.q_proj.bias</c>.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="prefix">What stands before the module's name, such as <c>h.3.</c>.</param>
    public IEnumerable<TensorMapping> Map(ModelSpec spec, int layer, string prefix)
    {
        int blockRows = ByHead ? spec.Layers[layer].HeadSize : 0;
        string name = prefix + Source;
        HashSet<string> names = [.. spec.LayerParameters(layer).Select(p => p.Name)];
        if (!names.Contains(TensorNames.Weight(layer, Parts[0]))) yield break;
        yield return new($"{name}.weight", [.. Parts.Select(part => TensorNames.Weight(layer, part))], Transposed)
        {
            BlockRows = blockRows,
        };
        string[] biased = [.. Parts.Where(part => names.Contains(TensorNames.Bias(layer, part)))];
        if (biased.Length == Parts.Length)
        {
            yield return new($"{name}.bias", [.. biased.Select(part => TensorNames.Bias(layer, part))])
            {
                BlockRows = blockRows,
            };
            yield break;
        }

        foreach (string part in biased)
        {
            yield return TensorMapping.Plain(
                $"{name}.{part[(part.LastIndexOf('.') + 1)..]}.bias", TensorNames.Bias(layer, part));
        }
    }
}
