namespace ML.Pruning.Checkpoints;

/// <summary>Stores tensors on an integer grid as codes and scales.</summary>
/// <remarks>
/// <para>Naming and layout are those of the compressed-tensors library, symmetric and without activation order. With
/// <c>name</c> ending in <c>weight</c>, 8 bits (format <c>int-quantized</c>) become <c>name</c> (I8 [rows, columns])
/// and <c>name_scale</c> [rows, 1]. 4 bits (format <c>pack-quantized</c>) become <c>name_packed</c> (I32
/// [rows, ceil(columns / 8)]: eight codes to a word, the first one in the lowest bits, each with 8 added),
/// <c>name_scale</c> [rows, groups] and <c>name_shape</c> (I64 [2]).</para>
/// <para>The size of the groups stands in config.json only. Shapes tell it too: it is the power of two that makes so
/// many groups, else the number that divides the columns into them; the last group of a row may be narrower, which
/// that library does not read.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public static class QuantizedCodec
{
    /// <summary>Suffix of the packed codes.</summary>
    public const string PackedSuffix = "_packed";

    /// <summary>Suffix of the scales.</summary>
    public const string ScaleSuffix = "_scale";

    /// <summary>Suffix of the dimensions.</summary>
    public const string ShapeSuffix = "_shape";

    private const string ZeroPointSuffix = "_zero_point";
    private const string OrderSuffix = "_g_idx";

    private static readonly string[] s_suffixes =
        [PackedSuffix, ScaleSuffix, ShapeSuffix, ZeroPointSuffix, OrderSuffix];

    /// <summary>What a tensor is stored as.</summary>
    /// <param name="tensor">Any tensor.</param>
    /// <returns>Codes, scales and what else a tensor on a grid needs; another tensor itself.</returns>
    public static IReadOnlyList<StoredTensor> Encode(StoredTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor is not QuantizedTensor quantized)
            return [tensor];
        StoredTensor scales = quantized.Scales.Renamed(tensor.Name + ScaleSuffix);
        return quantized.Grid.Bits == 8
            ? [quantized.Codes.Renamed(tensor.Name), scales]
            :
            [
                new PackedCodesTensor(tensor.Name + PackedSuffix, quantized.Codes), scales,
                BytesTensor.OfIntegers(tensor.Name + ShapeSuffix, [.. tensor.Shape]),
            ];
    }

    /// <summary>Bytes of a tensor as it is stored: codes and scales, or the dense elements.</summary>
    /// <param name="tensor">Any tensor.</param>
    public static long StorageBytes(StoredTensor tensor) => Encode(tensor).Sum(t => t.ByteLength);

    /// <summary>Puts codes and scales together; other tensors stay as they are.</summary>
    /// <param name="stored">Tensors by name, sparse-bitmask groups already as dense views.</param>
    /// <returns>The tensors in the same order.</returns>
    /// <exception cref="CheckpointFormatException">A part is missing, or parts do not fit together.</exception>
    internal static IReadOnlyDictionary<string, StoredTensor> Decode(IReadOnlyDictionary<string, StoredTensor> stored)
    {
        HashSet<string> groups = [.. stored.Keys.Select(name => GroupOf(name, stored)).OfType<string>()];
        if (groups.Count == 0)
            return stored;
        var result = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach ((string name, StoredTensor tensor) in stored)
        {
            string? group = groups.Contains(name) ? name : s_suffixes
                .Where(s => name.EndsWith(s, StringComparison.Ordinal))
                .Select(s => name[..^s.Length]).FirstOrDefault(groups.Contains);
            if (group is null)
                result.Add(name, tensor);
            else if (!result.ContainsKey(group))
                result.Add(group, Open(group, stored));
        }
        return result;
    }

    // The tensor that this part shows to be quantised: by packed codes, or by a scale beside 8-bit integers.
    private static string? GroupOf(string name, IReadOnlyDictionary<string, StoredTensor> stored)
    {
        if (name.EndsWith(PackedSuffix, StringComparison.Ordinal))
            return name[..^PackedSuffix.Length];
        string? scaled = name.EndsWith(ScaleSuffix, StringComparison.Ordinal) ? name[..^ScaleSuffix.Length] : null;
        return scaled is not null && stored.GetValueOrDefault(scaled) is { Type: TensorType.I8 } ? scaled : null;
    }

    private static QuantizedTensor Open(string name, IReadOnlyDictionary<string, StoredTensor> stored)
    {
        StoredTensor? codes = stored.GetValueOrDefault(name);
        StoredTensor? packed = stored.GetValueOrDefault(name + PackedSuffix);
        if (codes is not null && packed is not null)
        {
            throw new CheckpointFormatException(
                $"Tensor {Show.Quote(name)} is stored both as it is and as packed codes.");
        }
        StoredTensor scales = stored.GetValueOrDefault(name + ScaleSuffix) ?? throw new CheckpointFormatException(
            $"The quantised tensor {Show.Quote(name)} lacks {Show.Quote(name + ScaleSuffix)}.");
        RefuseAsymmetric(name, stored);
        return packed is null ? OpenInt8(name, codes!, scales) : OpenInt4(name, packed, scales, stored);
    }

    private static QuantizedTensor OpenInt8(string name, StoredTensor codes, StoredTensor scales)
    {
        // One scale a row may also stand in one dimension.
        if (codes.Shape.Count == 2 && scales.Shape.Count == 1 && scales.Shape[0] == codes.Shape[0])
            scales = new ReshapedTensor(scales.Name, scales, [scales.Shape[0], 1]);
        return new QuantizedTensor(name, codes, scales, new Int8PerRow());
    }

    private static QuantizedTensor OpenInt4(
        string name, StoredTensor packed, StoredTensor scales, IReadOnlyDictionary<string, StoredTensor> stored)
    {
        StoredTensor shapeTensor = stored.GetValueOrDefault(name + ShapeSuffix) ?? throw new CheckpointFormatException(
            $"The quantised tensor {Show.Quote(name)} lacks {Show.Quote(name + ShapeSuffix)}.");
        (int rows, int columns) = ReadShape(shapeTensor);
        bool fits = packed.Type == TensorType.I32 && packed.Shape.SequenceEqual([rows, PackedCodes.Words(columns)]);
        if (!fits)
        {
            throw new CheckpointFormatException($"Quantised tensor {Show.Quote(name)} of shape [{rows}, {columns}]: "
                + $"the packed codes are {packed.Type.Name()} {Show.Shape(packed.Shape)}, not I32 "
                + $"[{rows}, {PackedCodes.Words(columns)}]; only codes of 4 bits are read in packed form.");
        }
        long groups = scales.Shape.Count == 2 ? scales.Shape[1] : 0;
        int groupSize = GroupSize(columns, groups) ?? throw new CheckpointFormatException($"Quantised tensor "
            + $"{Show.Quote(name)} of shape [{rows}, {columns}]: the scales are {Show.Shape(scales.Shape)}, which is "
            + "no possible number of groups.");
        return new QuantizedTensor(
            name, new UnpackedCodesTensor(name, packed, rows, columns), scales, Int4Groups.OfAnySize(groupSize));
    }

    // The columns of a group, given how many groups a row has.
    private static int? GroupSize(int columns, long groups)
    {
        if (groups < 1 || groups > columns)
            return null;
        for (int size = 1; size <= Int4Groups.MaxGroupSize; size *= 2)
        {
            bool legal = Int4Groups.IsLegal(size) && (columns + size - 1L) / size == groups;
            if (legal)
                return size;
        }
        return columns % groups == 0 ? (int)(columns / groups) : null;
    }

    private static (int Rows, int Columns) ReadShape(StoredTensor tensor)
    {
        bool fits = tensor.Type is TensorType.I64 or TensorType.I32 && tensor.Shape.SequenceEqual([2L]);
        if (!fits)
        {
            throw new CheckpointFormatException($"Tensor {Show.Quote(tensor.Name)} is {tensor.Type.Name()} "
                + $"{Show.Shape(tensor.Shape)}; the shape of a quantised tensor is I64 [2].");
        }
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
        long[] shape = tensor.Type == TensorType.I64
            ? [BitConverter.ToInt64(bytes), BitConverter.ToInt64(bytes, sizeof(long))]
            : [BitConverter.ToInt32(bytes), BitConverter.ToInt32(bytes, sizeof(int))];
        if (shape.Any(d => d is < 1 or > int.MaxValue - PackedCodes.PerWord))
        {
            throw new CheckpointFormatException($"Tensor {Show.Quote(tensor.Name)} says that the quantised tensor has "
                + $"the shape {Show.Shape(shape)}; each dimension must be in "
                + $"[1, {int.MaxValue - PackedCodes.PerWord}].");
        }
        return ((int)shape[0], (int)shape[1]);
    }

    private static void RefuseAsymmetric(string name, IReadOnlyDictionary<string, StoredTensor> stored)
    {
        if (stored.ContainsKey(name + OrderSuffix))
        {
            throw new CheckpointFormatException($"The quantised tensor {Show.Quote(name)} has its columns in "
                + $"activation order ({Show.Quote(name + OrderSuffix)}), which is not supported; quantise it without.");
        }
        StoredTensor? zeroPoint = stored.GetValueOrDefault(name + ZeroPointSuffix);
        if (zeroPoint is null)
            return;
        // Some writers store the zero points of symmetric grids, all 0.
        byte[] piece = new byte[(int)Math.Min(zeroPoint.ByteLength, 1 << 16)];
        for (long start = 0; start < zeroPoint.ByteLength; start += piece.Length)
        {
            Span<byte> bytes = piece.AsSpan(0, (int)Math.Min(piece.Length, zeroPoint.ByteLength - start));
            zeroPoint.ReadBytes(start, bytes);
            if (bytes.ContainsAnyExcept((byte)0))
            {
                throw new CheckpointFormatException($"The quantised tensor {Show.Quote(name)} has zero points that are "
                    + "not 0; only symmetric grids are supported.");
            }
        }
    }
}
