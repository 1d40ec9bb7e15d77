using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Opens the models beside the repository.</summary>
internal static class SharedModels
{
    /// <summary>Opens a model; the caller disposes it.</summary>
    public static LanguageModel Open(string name)
    {
        string folder = SharedFiles.Model(name);
        string config = File.ReadAllText(Path.Combine(folder, "config.json"));
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(config));
        SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        return new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = WeightMap.ToCanonical(spec, FamilyRegistry.Get(spec.Family),
                file.Tensors.ToDictionary(t => t.Key, t => (StoredTensor)t.Value)),
            Files = [file],
            ConfigJson = config,
            Tokenizer = HuggingFaceTokenizer.Load(folder),
        });
    }
}
