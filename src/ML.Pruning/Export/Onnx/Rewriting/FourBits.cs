namespace ML.Pruning.Export.Onnx.Rewriting;

/// <summary>Reads the 4-bit weights of ONNX Runtime's MatMulNBits: [rows, blocks, 32] bytes, two codes each, the low
/// nibble first; a weight is (code - 8) times its block's scale.</summary>
internal static class FourBits
{
    private const int Block = 64;
    private const int Zero = 8;

    /// <summary>Reads them.</summary>
    /// <param name="bytes">The bytes, as numbers.</param>
    /// <param name="scales">One for each 64 columns of each row.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <returns>The weights, with their scales rounded to bfloat16, which the kernels keep scales in; null if there is
    /// a code that the kernels do not have.</returns>
    public static ConstantWeight? Read(float[] bytes, float[] scales, long rows, long columns)
    {
        long blocks = (columns + Block - 1) / Block;
        float[] rounded = [.. scales.Select(BFloat16)];
        var values = new float[rows * columns];
        for (long row = 0; row < rows; row++)
        {
            for (long column = 0; column < columns; column++)
            {
                var pair = (int)bytes[(row * blocks * Block + column) / 2];
                int code = (column % 2 == 0 ? pair & 15 : pair >> 4) - Zero;
                if (code == -Zero) return null;
                values[row * columns + column] = code * rounded[row * blocks + column / Block];
            }
        }

        return new ConstantWeight(values, [rows, columns], rounded, Axis: 0);
    }

    // To nearest, ties to even.
    private static float BFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
    }
}
