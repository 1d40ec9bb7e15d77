namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>A BatchNormalization with constants, y = factor x + shift, a factor and a shift a channel, that follows a
/// convolution and goes into its weights.</summary>
/// <param name="Node">The node.</param>
/// <param name="Factors">One a channel.</param>
/// <param name="Shifts">One a channel.</param>
internal sealed record BatchNormalization(OnnxNode Node, float[] Factors, float[] Shifts)
{
    /// <summary>That of a convolution.</summary>
    /// <param name="convolution">The convolution.</param>
    /// <param name="channels">Its output channels.</param>
    /// <param name="constants">The graph's constants.</param>
    /// <param name="readers">Who reads its values.</param>
    /// <returns>It; null if none follows, something else reads the convolution too, or its bias is not
    /// constant.</returns>
    public static BatchNormalization? After(
        OnnxNode convolution, int channels, OnnxConstants constants, OnnxReaders readers)
    {
        if (readers.Only(convolution.Outputs[0]) is not { } node || !node.Is("BatchNormalization")
            || node.Inputs.Count != 5 || node.Inputs[0] != convolution.Outputs[0] || node.Outputs.Count != 1
            || node.Integer("training_mode", 0) != 0)
            return null;
        float[]?[] numbers = [.. node.Inputs.Skip(1).Select(name => constants.Find(name).Weight?.Values)];
        if (numbers is not [{ } scales, { } biases, { } means, { } variances]
            || Array.Exists(numbers, values => values!.Length != channels))
            return null;
        double epsilon = node.Number("epsilon", 1e-5f);

        double[] factors = [.. scales.Zip(variances, (scale, variance) => scale / Math.Sqrt(variance + epsilon))];
        return !factors.All(double.IsFinite) ? null : new BatchNormalization(node, [.. factors.Select(factor => (float)factor)],
            [.. factors.Select((factor, i) => (float)(biases[i] - factor * means[i]))]);
    }

    /// <summary>A bias that yields what this makes of a convolution's result.</summary>
    /// <param name="bias">The convolution's own; null = it has none.</param>
    /// <returns>The bias.</returns>
    public float[] Shift(float[]? bias) =>
        bias is null ? Shifts : [.. Shifts.Select((shift, i) => shift + Factors[i] * bias[i])];

    /// <summary>Weights that yield what this makes of their result.</summary>
    /// <param name="weight">W [channels, in].</param>
    /// <returns>The weights.</returns>
    public ConstantWeight Scale(ConstantWeight weight)
    {
        int columns = weight.Values.Length / Factors.Length;
        return weight with { Values = [.. weight.Values.Select((w, i) => w * Factors[i / columns])], Scales = null };
    }
}
