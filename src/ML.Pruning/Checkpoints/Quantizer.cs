using System.Numerics.Tensors;

namespace ML.Pruning.Checkpoints;

/// <summary>The arithmetic of a <see cref="WeightGrid"/>: scales, codes, and weights from codes.</summary>
/// <remarks>
/// <para>scale = max|w| / MaxCode over the weights that share it, rounded to the grid's scale type; code = w / scale in
/// float32, rounded to nearest even and cut to [-MaxCode, MaxCode]; weight = code * scale in float32. So |w - weight|
/// is at most about half a scale, and zero is kept exactly.</para>
/// <para>Where all weights are zero the scale is 1. A scale is never zero (it is at least the smallest positive number
/// of its type) and never above float.MaxValue / (MaxCode + 1), so that every code gives a finite weight; weights
/// beyond 0.87 float.MaxValue may therefore be a whole scale off.</para>
/// <para>Deterministic and thread-safe; nothing is allocated.</para>
/// </remarks>
public static class Quantizer
{
    /// <summary>The scale that some weights share.</summary>
    /// <param name="weights">The weights; finite.</param>
    /// <param name="grid">The grid.</param>
    /// <returns>Positive and finite, exact in the grid's scale type.</returns>
    public static float Scale(ReadOnlySpan<float> weights, WeightGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        return weights.IsEmpty ? 1 : ScaleOfLargest(TensorPrimitives.MaxMagnitude(weights), grid);
    }

    /// <summary>The scale that goes with the largest magnitude of the weights that share it.</summary>
    /// <param name="largest">Any sign; finite.</param>
    /// <param name="grid">The grid.</param>
    /// <returns>Positive and finite, exact in the grid's scale type.</returns>
    public static float ScaleOfLargest(float largest, WeightGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        if (largest == 0)
            return 1;
        float limit = LargestScale(grid);
        float rounded = RoundTo(grid.ScaleType, Math.Min(MathF.Abs(largest) / grid.MaxCode, limit));
        return rounded > limit ? NextBelow(grid.ScaleType, rounded)
            : rounded == 0 ? Smallest(grid.ScaleType) : rounded;
    }

    /// <summary>The scales of one row.</summary>
    /// <param name="row">Weights [columns].</param>
    /// <param name="grid">The grid.</param>
    /// <param name="scales">Destination [<see cref="WeightGrid.Groups"/>].</param>
    public static void Scales(ReadOnlySpan<float> row, WeightGrid grid, Span<float> scales)
    {
        ArgumentNullException.ThrowIfNull(grid);
        int width = grid.GroupColumns(row.Length);
        for (int group = 0, start = 0; start < row.Length; group++, start += width)
            scales[group] = Scale(row.Slice(start, Math.Min(width, row.Length - start)), grid);
    }

    /// <summary>The code of a weight.</summary>
    /// <param name="weight">A number; not NaN.</param>
    /// <param name="scale">Positive and finite.</param>
    /// <param name="grid">The grid.</param>
    /// <returns>From -MaxCode to MaxCode; 0 for 0.</returns>
    public static sbyte Quantize(float weight, float scale, WeightGrid grid)
    {
        ArgumentNullException.ThrowIfNull(grid);
        return Code(weight, scale, grid.MaxCode);
    }

    /// <summary>The weight of a code.</summary>
    /// <param name="code">The code.</param>
    /// <param name="scale">Its scale.</param>
    /// <returns>code * scale in float32; +0 for 0.</returns>
    public static float Dequantize(int code, float scale) => code * scale;

    /// <summary>The codes of one row.</summary>
    /// <param name="row">Weights [columns].</param>
    /// <param name="scales">Scales of the row [<see cref="WeightGrid.Groups"/>].</param>
    /// <param name="grid">The grid.</param>
    /// <param name="codes">Destination [columns].</param>
    public static void QuantizeRow(
        ReadOnlySpan<float> row, ReadOnlySpan<float> scales, WeightGrid grid, Span<sbyte> codes)
    {
        ArgumentNullException.ThrowIfNull(grid);
        int width = grid.GroupColumns(row.Length);
        int maxCode = grid.MaxCode;
        for (int i = 0; i < row.Length; i++)
            codes[i] = Code(row[i], scales[i / width], maxCode);
    }

    /// <summary>The codes of one column, or of anything else whose weights have a scale each.</summary>
    /// <param name="weights">Weights [n].</param>
    /// <param name="scales">A scale for each [n].</param>
    /// <param name="grid">The grid.</param>
    /// <param name="codes">Destination [n].</param>
    public static void QuantizeEach(
        ReadOnlySpan<float> weights, ReadOnlySpan<float> scales, WeightGrid grid, Span<sbyte> codes)
    {
        ArgumentNullException.ThrowIfNull(grid);
        int maxCode = grid.MaxCode;
        for (int i = 0; i < weights.Length; i++)
            codes[i] = Code(weights[i], scales[i], maxCode);
    }

    /// <summary>The weights of one row.</summary>
    /// <param name="codes">Codes [columns].</param>
    /// <param name="scales">Scales of the row [<see cref="WeightGrid.Groups"/>].</param>
    /// <param name="grid">The grid.</param>
    /// <param name="row">Destination [columns].</param>
    public static void DequantizeRow(
        ReadOnlySpan<sbyte> codes, ReadOnlySpan<float> scales, WeightGrid grid, Span<float> row)
    {
        ArgumentNullException.ThrowIfNull(grid);
        int width = grid.GroupColumns(codes.Length);
        for (int group = 0, start = 0; start < codes.Length; group++, start += width)
            Dequantize(codes[start..Math.Min(start + width, codes.Length)], scales[group], row[start..]);
    }

    /// <summary>The largest scale with which every code gives a finite weight.</summary>
    internal static float LargestScale(WeightGrid grid) => float.MaxValue / (grid.MaxCode + 1);

    /// <summary>The weights of codes that share a scale.</summary>
    internal static void Dequantize(ReadOnlySpan<sbyte> codes, float scale, Span<float> weights)
    {
        weights = weights[..codes.Length];
        TensorPrimitives.ConvertTruncating(codes, weights);
        TensorPrimitives.Multiply(weights, scale, weights);
    }

    private static sbyte Code(float weight, float scale, int maxCode) =>
        (sbyte)Math.Clamp(MathF.Round(weight / scale, MidpointRounding.ToEven), -maxCode, maxCode);

    private static float RoundTo(TensorType type, float value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        bytes = bytes[..(type.BitsPerElement() / 8)];
        ElementConversion.FromSingle(type, [value], bytes);
        Span<float> rounded = stackalloc float[1];
        ElementConversion.ToSingle(type, bytes, rounded);
        return rounded[0];
    }

    // Scales are float32 or its upper half, so that neighbours differ by one in that half or in the whole.
    private static float NextBelow(TensorType type, float value) =>
        BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) - LowestBit(type));

    private static float Smallest(TensorType type) => BitConverter.UInt32BitsToSingle(LowestBit(type));

    private static uint LowestBit(TensorType type) => type == TensorType.BF16 ? 1u << 16 : 1u;
}
