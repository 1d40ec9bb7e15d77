using System.Security.Cryptography;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Masks from outside: a safetensors file of U8 or BOOL tensors, 0 where a weight goes.</summary>
/// <remarks>Tensors are named as in the model's checkpoint, or canonically (<c>layers.0.self_attn.q_proj.weight</c>),
/// and have the shapes of the weights. Weights without a mask are left alone. Immutable and thread-safe; the file stays
/// open until disposed or collected.</remarks>
public sealed class MaskFile : IDisposable
{
    private readonly SafetensorsFile _file;
    private readonly Lazy<string> _hash;

    private MaskFile(SafetensorsFile file)
    {
        _file = file;
        _hash = new Lazy<string>(() =>
        {
            using FileStream stream = File.OpenRead(file.Path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        });
    }

    /// <summary>SHA-256 of the file, lower-case hexadecimal, for provenance.</summary>
    public string Hash => _hash.Value;

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The masks.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="CheckpointFormatException">It is no safetensors file, or holds no tensor, or one of another
    /// type.</exception>
    public static MaskFile Open(string path)
    {
        SafetensorsFile file = SafetensorsFile.Open(path);
        if (file.Tensors.Values.FirstOrDefault(t => t.Type is not (TensorType.U8 or TensorType.Bool)) is { } wrong)
        {
            file.Dispose();
            throw new CheckpointFormatException($"'{path}': the mask '{wrong.Name}' has type {wrong.Type.Name()}; "
                + "masks are U8 or BOOL, 0 where a weight goes.");
        }

        if (file.Tensors.Count > 0) return new MaskFile(file);
        file.Dispose();
        throw new CheckpointFormatException($"'{path}' holds no mask.");
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>The masks as tensors by the canonical names of a model's weights.</summary>
    /// <exception cref="ArgumentException">A name is no weight matrix of the model, or a shape differs.</exception>
    internal IReadOnlyDictionary<string, StoredTensor> Resolve(ModelSpec spec)
    {
        Dictionary<string, ParameterSpec> matrices = spec.Parameters()
            .Where(p => p.Role is ParameterRole.Linear or ParameterRole.Embedding or ParameterRole.Head)
            .ToDictionary(p => p.Name);
        Dictionary<string, TensorMapping> mappings = Mappings(spec);
        var result = new Dictionary<string, StoredTensor>(StringComparer.Ordinal);
        foreach (MappedTensor mask in _file.Tensors.Values)
        {
            TensorMapping mapping = matrices.ContainsKey(mask.Name) ? TensorMapping.Plain(mask.Name, mask.Name)
                : mappings.GetValueOrDefault(mask.Name) ?? throw Unknown(mask.Name);
            if (!mapping.CanonicalNames.All(matrices.ContainsKey)) throw Unknown(mask.Name);
            foreach (StoredTensor part in WeightMap.Split(mapping, mask, matrices))
            {
                if (!result.TryAdd(part.Name, part))
                    throw new ArgumentException($"The mask file has two masks for '{part.Name}'.");
            }
        }

        return result;
    }

    private static Dictionary<string, TensorMapping> Mappings(ModelSpec spec)
    {
        ModelFamily family = FamilyRegistry.Get(spec.Family);
        var result = new Dictionary<string, TensorMapping>(StringComparer.Ordinal);
        foreach (TensorMapping mapping in family.MapTensors(spec))
        {
            string[] prefixes = mapping.HasPrefix ? [family.Prefix, .. family.OtherPrefixes] : [""];
            foreach (string prefix in prefixes) result[prefix + mapping.SourceName] = mapping;
        }

        return result;
    }

    private static ArgumentException Unknown(string name) => new($"The mask file has a mask '{name}', which is no "
        + $"weight matrix of the model; names look like '{TensorNames.Weight(0, TensorNames.Query)}'.");
}
