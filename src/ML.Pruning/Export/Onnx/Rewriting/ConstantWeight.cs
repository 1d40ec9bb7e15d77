namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>A constant as floats, and the integer grid that it is on, if it came from one.</summary>
/// <param name="Values">The elements, row-major.</param>
/// <param name="Shape">The dimensions.</param>
/// <param name="Scales">Scales of 8-bit codes without a zero point, one or as many as the axis has places; else
/// null.</param>
/// <param name="Axis">The axis of the scales.</param>
/// <param name="IsInteger">Whether the graph has it as integers, so that products with it are of integers too.</param>
internal sealed record ConstantWeight(
    float[] Values, long[] Shape, float[]? Scales = null, int Axis = 0, bool IsInteger = false)
{
    /// <summary>The fraction of zeros, in [0, 1].</summary>
    public double Sparsity => Values.Length == 0 ? 0 : (double)Values.AsSpan().Count(0f) / Values.Length;

    /// <summary>Rows and columns exchanged; for two dimensions.</summary>
    /// <returns>The constant.</returns>
    public ConstantWeight Transposed()
    {
        int rows = (int)Shape[0], columns = (int)Shape[1];
        var turned = new float[Values.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                turned[column * rows + row] = Values[row * columns + column];
        }

        return this with { Values = turned, Shape = [Shape[1], Shape[0]], Axis = 1 - Axis };
    }

    /// <summary>The scale of each row of a matrix, for codes that the kernels store as they are.</summary>
    /// <returns>The scales; null if there are none, or they do not go by rows.</returns>
    public float[]? RowScales()
    {
        int rows = (int)Shape[0];
        if (Scales is not { } scales || scales.Length != 1 && (Axis != 0 || scales.Length != rows)) return null;
        var perRow = new float[rows];
        for (int row = 0; row < rows; row++) perRow[row] = scales[scales.Length == 1 ? 0 : row];
        return perRow;
    }
}
