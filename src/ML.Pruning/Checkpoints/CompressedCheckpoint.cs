using System.Buffers.Binary;

namespace ML.Pruning.Checkpoints;

/// <summary>Reads checkpoints in which some tensors are stored as sparse-bitmask groups, or as codes and scales.
/// </summary>
public static class CompressedCheckpoint
{
    private const int MaxDimensions = 64;

    private static readonly string[] s_suffixes =
        [BitmaskCodec.ShapeSuffix, BitmaskCodec.ValuesSuffix, BitmaskCodec.MaskSuffix, BitmaskCodec.RowOffsetsSuffix];

    /// <summary>Gives each tensor under its own name: groups as dense views, codes with their scales as
    /// <see cref="QuantizedTensor"/>, the others as they are.</summary>
    /// <remarks>A group is <c>name.compressed</c>, <c>name.bitmask</c>, <c>name.shape</c> and, where there,
    /// <c>name.row_offsets</c>. Each mask is read once to check it, and so are
    /// scales; <see cref="QuantizedCodec"/> says how they are stored, codes possibly in a group.</remarks>
    /// <param name="tensors">The tensors as stored.</param>
    /// <returns>The dense tensors in the same order.</returns>
    /// <exception cref="CheckpointFormatException">A group lacks a part, its parts do not fit together, or its name is
    /// taken by a dense tensor.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> Read(IReadOnlyDictionary<string, MappedTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return Read(tensors.Values);
    }

    /// <inheritdoc cref="Read(IReadOnlyDictionary{string, MappedTensor})"/>
    /// <exception cref="ArgumentException">Two tensors have the same name.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> Read(IEnumerable<StoredTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Dictionary<string, StoredTensor> stored = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
        var groups = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in stored.Keys)
        {
            foreach (string suffix in (string[])[BitmaskCodec.ValuesSuffix, BitmaskCodec.MaskSuffix])
            {
                if (name.EndsWith(suffix, StringComparison.Ordinal))
                    groups.Add(name[..^suffix.Length]);
            }
        }
        var result = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach ((string name, StoredTensor tensor) in stored)
        {
            string? group = s_suffixes.Where(s => name.EndsWith(s, StringComparison.Ordinal))
                .Select(s => name[..^s.Length]).FirstOrDefault(groups.Contains);
            if (group is null)
                result.Add(name, tensor);
            else if (!result.ContainsKey(group))
                result.Add(group, OpenGroup(group, stored));
        }
        return QuantizedCodec.Decode(result);
    }

    private static BitmaskTensor OpenGroup(string name, Dictionary<string, StoredTensor> stored)
    {
        if (stored.ContainsKey(name))
        {
            throw new CheckpointFormatException(
                $"Tensor {Show.Quote(name)} is stored both dense and as a sparse-bitmask group.");
        }
        StoredTensor Part(string suffix) => stored.GetValueOrDefault(name + suffix)
            ?? throw new CheckpointFormatException(
                $"The sparse-bitmask group of tensor {Show.Quote(name)} lacks {Show.Quote(name + suffix)}.");
        StoredTensor values = Part(BitmaskCodec.ValuesSuffix);
        StoredTensor mask = Part(BitmaskCodec.MaskSuffix);
        long[] shape = ReadShape(Part(BitmaskCodec.ShapeSuffix));
        return new BitmaskTensor(
            name, values, mask, shape, stored.GetValueOrDefault(name + BitmaskCodec.RowOffsetsSuffix));
    }

    private static long[] ReadShape(StoredTensor tensor)
    {
        bool fits = tensor.Type == TensorType.I64 && tensor.Shape.Count == 1
            && tensor.ElementCount is >= 1 and <= MaxDimensions;
        if (!fits)
        {
            throw new CheckpointFormatException($"Tensor {Show.Quote(tensor.Name)} is {tensor.Type.Name()} "
                + $"{Show.Shape(tensor.Shape)}; the shape of a sparse-bitmask group is I64 with 1 to {MaxDimensions} "
                + "dimensions.");
        }
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.ReadBytes(0, bytes);
        long[] shape = new long[tensor.ElementCount];
        for (int i = 0; i < shape.Length; i++)
            shape[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(i * sizeof(long)));
        return shape;
    }
}
