using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Recovery;

/// <summary>Makes models with random weights, to be trained from the start.</summary>
public static class LanguageModelInitializer
{
    private const double Deviation = 0.02;

    /// <summary>Makes a model.</summary>
    /// <remarks>Matrices are drawn from N(0, 0.02^2); those that write into the residual stream, attention output and
    /// the MLP's last, from N(0, 0.02^2 / 2L) with L layers, so that the stream's variance does not grow with depth
    /// (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3). In encoders, whose norms
    /// stand behind the sums, all matrices are drawn from the former (Devlin et al. 2018, arXiv:1810.04805). Gains are 1,
    /// biases 0.</remarks>
    /// <param name="configJson">The content of config.json, which says what the model is like.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="type">The type of the weights: F32, F16 or BF16.</param>
    /// <param name="tokenizerFiles">tokenizer.json or vocab.txt, and other files that travel along with the model, by name; null = no
    /// tokenizer.</param>
    /// <returns>The model; the caller disposes it.</returns>
    /// <exception cref="ModelFormatException">The configuration is not supported, or the tokenizer has more tokens than
    /// it says.</exception>
    /// <exception cref="TokenizerFormatException">The tokenizer is not supported.</exception>
    /// <exception cref="ArgumentException">Weights cannot be stored as this type.</exception>
    public static LanguageModel Create(string configJson, int seed, TensorType type = TensorType.F32,
        IReadOnlyDictionary<string, byte[]>? tokenizerFiles = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(configJson);
        tokenizerFiles ??= new Dictionary<string, byte[]>();
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(configJson));
        var random = new Random(seed);
        return new LanguageModel(new LanguageModelContent
        {
            Spec = spec,
            Weights = spec.Parameters().ToDictionary(p => p.Name,
                p => (StoredTensor)new ArrayTensor(p.Name, Draw(p, spec, random), p.Shape, type)),
            ConfigJson = configJson,
            Tokenizer = TokenizerFiles.Find(tokenizerFiles),
            SideFiles = tokenizerFiles,
            Provenance =
            [
                ProvenanceStep.Now("initialize", "normal", new JsonObject
                {
                    ["seed"] = seed,
                    ["deviation"] = Deviation,
                    ["residualDeviation"] = ResidualDeviation(spec),
                }),
            ],
        });
    }

    private static double ResidualDeviation(ModelSpec spec) =>
        spec.NormAfterSum ? Deviation : Deviation / Math.Sqrt(2 * spec.Layers.Count);

    private static float[] Draw(ParameterSpec parameter, ModelSpec spec, Random random)
    {
        var values = new float[checked((int)parameter.Count)];
        bool isGain = parameter.Role == ParameterRole.Norm
            && parameter.Name.EndsWith(".weight", StringComparison.Ordinal);
        if (isGain) Array.Fill(values, 1);
        if (parameter.Role is ParameterRole.Norm or ParameterRole.Bias) return values;
        double deviation = parameter.Part is TensorNames.Output or TensorNames.Down ? ResidualDeviation(spec) : Deviation;
        for (int i = 0; i < values.Length; i++) values[i] = (float)(deviation * random.NextNormal());
        return values;
    }
}
