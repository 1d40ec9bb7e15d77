using ML.Pruning.Kernels;

namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Finds activations that a model puts on a grid of 8 bits with one constant scale: what a DequantizeLinear
/// yields.</summary>
/// <param name="graph">The graph.</param>
/// <param name="constants">Its constants.</param>
internal sealed class ActivationGrids(OnnxGraphFile graph, OnnxConstants constants)
{
    /// <summary>The grid of a value.</summary>
    /// <param name="name">The value.</param>
    /// <returns>The grid, and the value to put on it: that before the QuantizeLinear with the same scale and zero point,
    /// or, where another node makes the codes, <paramref name="name"/>, which is on the grid already. Null: it is on
    /// none that the kernels take.</returns>
    public (string Source, ActivationGrid Grid)? Find(string name)
    {
        if (!graph.Producers.TryGetValue(name, out OnnxNode? floats) || !floats.Is("DequantizeLinear")) return null;
        OnnxNode? codes = graph.Producers.GetValueOrDefault(floats.Inputs[0]);
        bool isQuantized = codes is not null && codes.Is("QuantizeLinear");
        if (GridOf(floats, isQuantized) is not { } grid) return null;
        bool isSame = isQuantized && GridOf(codes!, isQuantized) == grid;
        return (isSame ? codes!.Inputs[0] : name, grid);
    }

    // Without a zero point QuantizeLinear makes unsigned bytes unless it names another type; what other nodes make is
    // not known then.
    private ActivationGrid? GridOf(OnnxNode node, bool isUnsignedByDefault)
    {
        if (Single(node.Input(1)) is not { } scale || node.Integer("output_dtype", 0) != 0
            || node.Integer("block_size", 0) != 0)
            return null;
        string zeroPoint = node.Input(2);
        (OnnxElement element, float zero) = (OnnxElement.UInt8, 0);
        if (zeroPoint.Length > 0)
        {
            if (constants.ElementOf(zeroPoint) is not { } known || Single(zeroPoint) is not { } given) return null;
            (element, zero) = (known, given);
        }
        else if (!isUnsignedByDefault)
        {
            return null;
        }

        int lowest = element switch { OnnxElement.UInt8 => byte.MinValue, OnnxElement.Int8 => sbyte.MinValue, _ => 1 };
        var grid = new ActivationGrid(scale, lowest - (int)zero, lowest + byte.MaxValue - (int)zero);
        return lowest <= 0 && grid.Fault() is null ? grid : null;
    }

    private float? Single(string name) =>
        constants.Find(name).Weight is { Values: [float value] } ? value : null;
}
