using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Tests.TestKit;

/// <summary>Small models with random weights, for tests that need a model and no text.</summary>
internal static class RandomModel
{
    /// <summary>A small LLaMA: 2 equal layers, 4 heads on 2 key/value heads, hidden size 16, own head, vocabulary 40,
    /// context 64.</summary>
    public static ModelSpec Llama { get; } = new()
    {
        Family = "llama",
        VocabularySize = 40,
        HiddenSize = 16,
        ContextLength = 64,
        Layers = [Layer(4, 2, 4, 24), Layer(4, 2, 4, 24)],
        BosTokenId = 1,
        EosTokenIds = [2],
    };

    /// <summary>The shape of one layer.</summary>
    public static LayerSpec Layer(int heads, int keyValueHeads, int headSize, int mlpWidth) =>
        new() { Heads = heads, KeyValueHeads = keyValueHeads, HeadSize = headSize, MlpWidth = mlpWidth };

    /// <summary>A model with Gaussian weights, scaled so that activations keep their size and attention is far from
    /// uniform; gains are near 1. The same seed gives the same weights.</summary>
    public static LanguageModel Create(
        ModelSpec spec, int seed = 1, TensorType type = TensorType.F32, HuggingFaceTokenizer? tokenizer = null)
    {
        var random = new Random(seed);
        Dictionary<string, StoredTensor> weights = spec.Parameters().ToDictionary(
            p => p.Name, p => (StoredTensor)new ArrayTensor(
                p.Name, Values(p, random, spec.NormGainOffset), p.Shape, type));
        return new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = weights,
            ConfigJson = $$"""{ "model_type": "{{spec.Family}}" }""",
            Tokenizer = tokenizer,
        });
    }

    /// <summary>Random token ids of a vocabulary.</summary>
    public static int[] Tokens(ModelSpec spec, int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(spec.VocabularySize))];
    }

    private static float[] Values(ParameterSpec parameter, Random random, double gainOffset)
    {
        bool isGain = parameter.Role == ParameterRole.Norm
            && parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
        double scale = parameter.Role switch
        {
            ParameterRole.Linear or ParameterRole.Head or ParameterRole.Shortcut => 1.5 / Math.Sqrt(parameter.Shape[1]),
            ParameterRole.Embedding => 1,
            _ => 0.2,
        };
        return [.. Enumerable.Range(0, (int)parameter.Count)
            .Select(_ => (float)((isGain ? 1 - gainOffset : 0) + scale * Gaussian(random)))];
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
