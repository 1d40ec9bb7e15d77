using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Export;

/// <summary>Reads a language model from a Hugging Face folder and writes one.</summary>
public static class HuggingFaceModel
{
    /// <summary>Opens a folder with <c>config.json</c>, <c>*.safetensors</c> and, if there is one, a tokenizer.
    /// Weights stay on disk. An adapter in a folder <c>adapter</c> in it (<see cref="PeftAdapter"/>) is put on the
    /// model.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>The model; the caller disposes it.</returns>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="FileNotFoundException">A file that must be there is not.</exception>
    /// <exception cref="CheckpointFormatException">A weight file is damaged.</exception>
    /// <exception cref="ModelFormatException">The configuration, or the set of weights, is not supported.</exception>
    /// <exception cref="TokenizerFormatException">The tokenizer is not supported.</exception>
    public static LanguageModel Open(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        using HuggingFaceFolder source = HuggingFaceFolder.Open(folder);
        var config = (JsonObject)source.Config.DeepClone();
        IReadOnlySet<(int Bits, int? GroupSize)> grids = CompressedTensorsConfig.Remove(config);
        CompressedTensorsConfig.Check(grids, source.Tensors);
        ModelSpec spec = FamilyRegistry.ReadConfig(config);
        ModelFamily family = FamilyRegistry.Get(spec.Family);
        ModelNotes notes = source.SideFiles.TryGetValue(ModelNotes.FileName, out byte[]? bytes)
            ? ModelNotes.Parse(bytes)
            : new ModelNotes();
        var sideFiles = source.SideFiles.Where(f => f.Key != ModelNotes.FileName).ToImmutableSortedDictionary();
        HuggingFaceTokenizer? tokenizer = TokenizerFiles.Find(sideFiles);
        var model = new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = WeightMap.ToCanonical(spec, family, source.Tensors),
            Files = [.. source.Weights.Files.Select(file => file.AddReference())],
            ConfigJson = config.ToJsonString(),
            Tokenizer = tokenizer,
            SideFiles = sideFiles,
            Provenance = notes.Provenance,
            MaskedTensors = notes.MaskedTensors.ToFrozenSet(StringComparer.Ordinal),
        });
        string adapter = Path.Combine(folder, PeftAdapter.FolderName);
        if (!File.Exists(Path.Combine(adapter, PeftAdapter.ConfigName))) return model;
        using (model) return PeftAdapter.Open(model, adapter);
    }

    /// <summary>Writes a model as a Hugging Face folder, which appears whole or not at all; adapters into a folder
    /// <c>adapter</c> in it.</summary>
    /// <remarks>Weights keep the type that they have in the model; those on an integer grid are stored as codes and
    /// scales, in the naming of compressed-tensors (<see cref="LanguageModel.Dequantized"/> makes ordinary ones of
    /// them). Dense files hold zeros as zeros and load in any software that reads safetensors; a model whose layers
    /// differ in shape declares <c>layer_shapes</c> in config.json, which this library reads.</remarks>
    /// <param name="model">The model.</param>
    /// <param name="folder">The folder to make.</param>
    /// <param name="compressed">Store sparse weights as bitmask and values, in the naming of
    /// compressed-tensors.</param>
    /// <param name="overwrite">Replace a folder that exists.</param>
    /// <param name="cancellationToken">Stops between tensors; nothing is left behind.</param>
    /// <exception cref="IOException">The folder exists and <paramref name="overwrite"/> is false, or it cannot be
    /// written.</exception>
    /// <exception cref="NotSupportedException">A weight on an integer grid is one that the family stores
    /// transposed.</exception>
    public static void Save(LanguageModel model, string folder, bool compressed = false, bool overwrite = false,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ModelFamily family = FamilyRegistry.Get(model.Spec.Family);
        JsonObject config = FamilyRegistry.ParseConfig(model.ConfigJson);
        family.WriteConfig(model.Spec, config);
        IReadOnlyList<StoredTensor> tensors = WeightMap.FromCanonical(model.Spec, family, model.Weights);
        CompressedTensorsConfig.Write(config, model.Spec, Roles(model.Spec, family, tensors), compressed);
        IEnumerable<StoredTensor> parts = tensors.SelectMany(QuantizedCodec.Encode);
        if (compressed) parts = BitmaskCodec.CompressAll(parts, cancellationToken);

        var sideFiles = model.SideFiles.ToDictionary(f => f.Key, f => f.Value);
        if (model.Provenance.Count > 0 || model.MaskedTensors.Count > 0)
            sideFiles[ModelNotes.FileName] = ModelNotes.Of(model).ToBytes();
        using var output = new OutputFolder(folder, overwrite);
        HuggingFaceFolderWriter.WriteInto(
            output, PrettyJson.Of(config), [.. parts], sideFiles, cancellationToken: cancellationToken);
        if (model.Spec.Adapters.Count > 0)
        {
            string adapter = Directory.CreateDirectory(output.PathOf(PeftAdapter.FolderName)).FullName;
            PeftAdapter.WriteInto(adapter, model, baseModel: "..");
        }

        output.Commit();
    }

    /// <summary>Reads the shape of a model from the content of its config.json.</summary>
    /// <param name="config">The content; how weights are stored does not matter.</param>
    /// <returns>The spec.</returns>
    /// <exception cref="ModelFormatException">The configuration is not supported.</exception>
    public static ModelSpec ReadSpec(JsonObject config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var copy = (JsonObject)config.DeepClone();
        CompressedTensorsConfig.Remove(copy);
        return FamilyRegistry.ReadConfig(copy);
    }

    /// <summary>Refuses a model whose folder has no form for weights on an integer grid, before any work is
    /// done.</summary>
    /// <param name="spec">The model.</param>
    /// <exception cref="NotSupportedException">Its family stores weights transposed or interleaved.</exception>
    public static void RequireQuantizable(ModelSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (FamilyRegistry.Get(spec.Family).MapTensors(spec).FirstOrDefault(m => !m.CanBeQuantized) is { } mapping)
            throw WeightMap.NoQuantizedForm(spec.Family, mapping);
    }

    // The tensors of a folder are in the order of the mappings; those of a mapping have one role.
    private static (StoredTensor Tensor, ParameterRole Role)[] Roles(
        ModelSpec spec, ModelFamily family, IReadOnlyList<StoredTensor> tensors)
    {
        Dictionary<string, ParameterRole> roles = spec.Parameters().ToDictionary(p => p.Name, p => p.Role);
        return [.. family.MapTensors(spec).Zip(tensors, (m, tensor) => (tensor, roles[m.CanonicalNames[0]]))];
    }
}
