using System.Text;
using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Export;

/// <summary>Reads and writes low-rank adapters in the folder layout of Hugging Face's PEFT: <c>adapter_config.json</c>
/// and <c>adapter_model.safetensors</c>.</summary>
/// <remarks>
/// <para>PEFT knows no masks: on a weight whose zeros are kept it computes W + s B A, which fills them. Merge such an
/// adapter here.</para>
/// <para>Where a family stores several linear maps in one tensor (GPT-2's c_attn), PEFT has one adapter for all of
/// them. It is written with the ranks added up, each map's update in a block of its own; read, each map takes A and its
/// rows of B.</para>
/// </remarks>
public static class PeftAdapter
{
    /// <summary>Name of the folder beside the weights of a model in which its adapter stands.</summary>
    public const string FolderName = "adapter";

    /// <summary>Name of the file that describes an adapter.</summary>
    internal const string ConfigName = "adapter_config.json";

    private const string WeightsName = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";
    private const long MaxConfigBytes = 1 << 20;

    /// <summary>Writes the adapters of a model as a PEFT folder, which appears whole or not at all.</summary>
    /// <param name="model">The model, with adapters.</param>
    /// <param name="folder">The folder to make.</param>
    /// <param name="overwrite">Replace an adapter that exists.</param>
    /// <param name="baseModel">What the adapter is for, such as a folder or a name: PEFT's
    /// <c>base_model_name_or_path</c>.</param>
    /// <exception cref="ArgumentException">The model has no adapters.</exception>
    /// <exception cref="NotSupportedException">Linear maps that the family stores in one tensor have adapters that
    /// PEFT's single one cannot stand for.</exception>
    /// <exception cref="IOException">The folder exists and <paramref name="overwrite"/> is false, or it cannot be
    /// written.</exception>
    public static void Save(LanguageModel model, string folder, bool overwrite = false, string? baseModel = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (model.Spec.Adapters.Count == 0)
            throw new ArgumentException("The model has no adapters to write.", nameof(model));
        using var output = new OutputFolder(folder, overwrite);
        WriteInto(output.TemporaryPath, model, baseModel);
        output.Commit();
    }

    /// <summary>Puts adapters from a PEFT folder on a model.</summary>
    /// <param name="model">The model, with weights and without adapters; it is not changed.</param>
    /// <param name="folder">The folder.</param>
    /// <returns>The model with adapters, which the caller disposes; weights are shared. Updates of weights whose zeros
    /// are a mask keep these.</returns>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="CheckpointFormatException">A file is damaged.</exception>
    /// <exception cref="ModelFormatException">The adapter is of another kind, or does not fit the model.</exception>
    public static LanguageModel Open(LanguageModel model, string folder)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string configPath = Path.Combine(folder, ConfigName), weightsPath = Path.Combine(folder, WeightsName);
        foreach (string path in new[] { configPath, weightsPath })
        {
            if (!File.Exists(path))
                throw new FileNotFoundException($"'{path}' does not exist; an adapter folder holds it.", path);
        }

        JsonObject config = BoundedFile.ParseObject(configPath, BoundedFile.ReadAllBytes(configPath, MaxConfigBytes));
        PeftConfig settings = PeftConfig.Read(config);
        using SafetensorsFile file = SafetensorsFile.Open(weightsPath);
        var weights = model.Weights.ToDictionary(w => w.Key, w => w.Value, StringComparer.Ordinal);
        var adapters = new List<AdapterSpec>();
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach ((string module, TensorMapping mapping) in Modules(model.Spec))
        {
            if (!file.Tensors.ContainsKey(Prefix + module + ".lora_A.weight")) continue;
            var reader = new PeftModule(Prefix + module, file.Tensors, used);
            adapters.AddRange(reader.Read(model, mapping, settings.AlphaOf(module), settings, weights));
        }

        if (file.Tensors.Keys.FirstOrDefault(name => !used.Contains(name)) is { } surplus)
        {
            throw new ModelFormatException($"The adapter has a tensor '{surplus}' that fits no linear map of the "
                + "model.");
        }

        if (adapters.Count == 0) throw new ModelFormatException($"The adapter in '{folder}' holds no tensors.");
        ModelSpec spec = model.Spec with { Adapters = adapters };
        return new LanguageModel(model.ToContent() with { Spec = spec, Weights = weights, ContentHash = null });
    }

    /// <summary>Writes the two files into a folder that is there.</summary>
    internal static void WriteInto(string folder, LanguageModel model, string? baseModel)
    {
        var byWeight = model.Spec.Adapters.ToDictionary(a => a.WeightName, StringComparer.Ordinal);
        (string Module, TensorMapping Mapping)[] modules = [.. Modules(model.Spec)
            .Where(m => m.Mapping.CanonicalNames.Any(byWeight.ContainsKey))];
        var tensors = new List<StoredTensor>();
        var written = new List<(string Module, AdapterSpec Adapter)>();
        foreach ((string module, TensorMapping mapping) in modules)
        {
            AdapterSpec?[] parts = [.. mapping.CanonicalNames.Select(byWeight.GetValueOrDefault)];
            written.Add((module, PeftModule.Write(Prefix + module, model, mapping, parts, tensors)));
        }

        JsonObject config = PeftConfig.Write(written, [.. Modules(model.Spec).Select(m => m.Name)],
            modules.Any(m => m.Mapping.Transposed), baseModel);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), tensors, new Dictionary<string, string>
        {
            ["format"] = "pt",
        });
        AtomicFile.WriteAllBytes(Path.Combine(folder, ConfigName), Encoding.UTF8.GetBytes(PrettyJson.Of(config)));
    }

    // The linear maps of the layers as the family's modules.
    private static IEnumerable<(string Name, TensorMapping Mapping)> Modules(ModelSpec spec)
    {
        ModelFamily family = FamilyRegistry.Get(spec.Family);
        HashSet<string> linears = [.. Enumerable.Range(0, spec.Layers.Count)
            .SelectMany(layer => spec.Linears(layer)).Select(linear => linear.WeightName)];
        foreach (TensorMapping mapping in family.MapTensors(spec))
        {
            if (!linears.Contains(mapping.CanonicalNames[0])) continue;
            string name = (mapping.HasPrefix ? family.Prefix : "") + mapping.SourceName;
            yield return (name[..^".weight".Length], mapping);
        }
    }
}
