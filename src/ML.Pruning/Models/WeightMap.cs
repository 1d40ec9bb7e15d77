using ML.Pruning.Checkpoints;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Models;

/// <summary>Turns the tensors of a checkpoint into canonical ones and back. Nothing is copied: fused, interleaved and
/// transposed tensors become views.</summary>
public static class WeightMap
{
    /// <summary>Views a checkpoint's tensors under their canonical names.</summary>
    /// <param name="spec">What the model must hold.</param>
    /// <param name="family">The family of the checkpoint.</param>
    /// <param name="source">The checkpoint's tensors by name.</param>
    /// <returns>Exactly the tensors of <see cref="ModelSpec.Parameters"/>, by canonical name.</returns>
    /// <exception cref="ModelFormatException">A tensor is missing, surplus or of the wrong shape; the message names
    /// it.</exception>
    public static IReadOnlyDictionary<string, StoredTensor> ToCanonical(
        ModelSpec spec, ModelFamily family, IReadOnlyDictionary<string, StoredTensor> source)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(source);
        Dictionary<string, ParameterSpec> parameters = spec.Parameters().ToDictionary(p => p.Name);
        var used = new HashSet<string>(StringComparer.Ordinal);
        var result = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (TensorMapping mapping in family.MapTensors(spec))
        {
            StoredTensor tensor = Find(family, mapping, source, used);
            RequireFloat(tensor);
            foreach (StoredTensor canonical in Split(mapping, tensor, parameters))
                result.Add(canonical.Name, canonical);
        }

        RefuseSurplus(spec, family, source, used);
        foreach ((string name, string canonical) in family.Copies(spec))
            if (source.TryGetValue(name, out StoredTensor? copy)) RequireEqual(copy, result[canonical]);
        return result;
    }

    /// <summary>The inverse of <see cref="ToCanonical"/>: the tensors of a checkpoint of the family.</summary>
    /// <param name="spec">The spec.</param>
    /// <param name="family">The family to write.</param>
    /// <param name="canonical">Tensors by canonical name.</param>
    /// <returns>The tensors under the family's names, in its order.</returns>
    /// <exception cref="NotSupportedException">A weight on an integer grid is one that the family stores transposed, or
    /// fused with one on another grid or on none.</exception>
    public static IReadOnlyList<StoredTensor> FromCanonical(
        ModelSpec spec, ModelFamily family, IReadOnlyDictionary<string, StoredTensor> canonical)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(canonical);
        var result = new List<StoredTensor>();
        foreach (TensorMapping mapping in family.MapTensors(spec))
        {
            string name = (mapping.HasPrefix ? family.Prefix : "") + mapping.SourceName;
            StoredTensor[] parts = [.. mapping.CanonicalNames.Select(n => canonical[n])];
            result.Add(Join(family, mapping, name, parts));
        }

        return result;
    }

    /// <summary>The error for a weight on an integer grid that the files of a family have no form for.</summary>
    internal static NotSupportedException NoQuantizedForm(string modelType, TensorMapping mapping) =>
        new($"The weight '{mapping.CanonicalNames[0]}' on an integer grid cannot be stored in a folder: model type "
            + $"\"{modelType}\" stores it "
            + (mapping.Transposed ? "transposed"
                : mapping.BlockRows > 0 ? "head by head between others"
                : "in one tensor with others that are not on the same grid")
            + ", for which the format has no form. Save the model as .zip, or export it with --dequantize.");

    private static StoredTensor Join(
        ModelFamily family, TensorMapping mapping, string name, IReadOnlyList<StoredTensor> parts)
    {
        bool transposed = mapping.Transposed && parts[0].Shape.Count == 2;
        bool quantized = parts.Any(p => p is QuantizedTensor);
        if (quantized && !transposed && mapping.BlockRows == 0
            && QuantizedTensor.TryJoinRows(name, parts) is { } onGrid) return onGrid;
        if (quantized) throw NoQuantizedForm(family.ModelType, mapping);
        StoredTensor joined = parts.Count == 1 ? parts[0]
            : mapping.BlockRows > 0 ? RowBlocksTensor.Interleave(name, parts, mapping.BlockRows)
            : new ConcatenatedTensor(name, parts);
        return (transposed ? new TransposedTensor(name, joined) : joined).Renamed(name);
    }

    private static StoredTensor Find(ModelFamily family, TensorMapping mapping,
        IReadOnlyDictionary<string, StoredTensor> source, HashSet<string> used)
    {
        string[] prefixes = mapping.HasPrefix ? [family.Prefix, .. family.OtherPrefixes] : [""];
        string[] names = family.OldName(mapping.SourceName) is { } old
            ? [mapping.SourceName, old]
            : [mapping.SourceName];
        foreach (string name in prefixes.SelectMany(prefix => names.Select(name => prefix + name)))
        {
            if (!source.TryGetValue(name, out StoredTensor? tensor)) continue;
            used.Add(name);
            return tensor;
        }

        throw new ModelFormatException($"The checkpoint has no tensor '{prefixes[0]}{mapping.SourceName}', which "
            + "config.json calls for.");
    }

    private static void RequireFloat(StoredTensor tensor)
    {
        if (!TensorTypes.IsFloat(tensor.Type))
        {
            throw new ModelFormatException($"Tensor '{tensor.Name}' has type {TensorTypes.Name(tensor.Type)}; "
                + "weights must be F64, F32, F16 or BF16.");
        }
    }

    /// <summary>The canonical tensors that a tensor of a checkpoint holds, as views.</summary>
    /// <exception cref="ModelFormatException">Its shape is not the one that the parameters call for.</exception>
    internal static IEnumerable<StoredTensor> Split(
        TensorMapping mapping, StoredTensor tensor, Dictionary<string, ParameterSpec> parameters)
    {
        ParameterSpec[] parts = [.. mapping.CanonicalNames.Select(name => parameters[name])];
        long[] expected = [parts.Sum(p => p.Shape[0]), .. parts[0].Shape.Skip(1)];
        bool transposed = mapping.Transposed && expected.Length == 2;
        long[] stored = transposed ? [.. expected.Reverse()] : expected;
        if (!tensor.Shape.SequenceEqual(stored))
        {
            throw new ModelFormatException($"Tensor '{tensor.Name}' has shape [{string.Join(", ", tensor.Shape)}]; "
                + $"config.json calls for [{string.Join(", ", stored)}].");
        }

        StoredTensor whole = transposed ? new TransposedTensor(tensor.Name, tensor) : tensor;
        if (mapping.BlockRows > 0 && parts.Length > 1)
        {
            for (int i = 0; i < parts.Length; i++)
                yield return RowBlocksTensor.Take(parts[i].Name, whole, mapping.BlockRows, parts.Length, i);
            yield break;
        }

        long row = 0;
        foreach (ParameterSpec part in parts)
        {
            yield return parts.Length == 1 ? whole.Renamed(part.Name)
                : whole is QuantizedTensor quantized ? quantized.SliceRows(part.Name, row, part.Shape[0])
                : new RowSliceTensor(part.Name, whole, row, part.Shape[0]);
            row += part.Shape[0];
        }
    }

    // A tied head that is stored as well is left out; that must not lose another one.
    private static void RequireEqual(StoredTensor head, StoredTensor embedding)
    {
        const int piece = 1 << 18;
        bool equal = head.Shape.SequenceEqual(embedding.Shape) && TensorTypes.IsFloat(head.Type);
        float[] left = new float[piece], right = new float[piece];
        for (long start = 0; equal && start < embedding.ElementCount; start += piece)
        {
            int count = (int)Math.Min(piece, embedding.ElementCount - start);
            head.Read(start, left.AsSpan(0, count));
            embedding.Read(start, right.AsSpan(0, count));
            equal = left.AsSpan(0, count).SequenceEqual(right.AsSpan(0, count));
        }

        if (!equal && embedding.Name != TensorNames.Embedding)
        {
            throw new ModelFormatException($"The checkpoint's '{head.Name}' must repeat another of its tensors, but "
                + "differs from it; remove it.");
        }

        if (!equal)
        {
            throw new ModelFormatException($"config.json ties the head to the embedding, but the checkpoint's "
                + $"'{head.Name}' is not equal to it; set 'tie_word_embeddings' to false if the head counts, or remove "
                + "the tensor.");
        }
    }

    private static void RefuseSurplus(ModelSpec spec, ModelFamily family,
        IReadOnlyDictionary<string, StoredTensor> source, HashSet<string> used)
    {
        HashSet<string> copies = [.. family.Copies(spec).Select(copy => copy.Source)];
        foreach (string name in source.Keys.Order(StringComparer.Ordinal))
        {
            if (used.Contains(name) || copies.Contains(name)) continue;
            string prefix = new[] { family.Prefix }.Concat(family.OtherPrefixes)
                .FirstOrDefault(p => name.StartsWith(p, StringComparison.Ordinal), "");
            string bare = name[prefix.Length..];
            if (family.IsNoParameter(bare) || family.IsLeftOut(spec, bare)) continue;
            throw new ModelFormatException($"The checkpoint has a tensor '{name}' that model type "
                + $"\"{family.ModelType}\" with this config.json does not have.");
        }
    }
}
