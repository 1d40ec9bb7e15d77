using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Recovery;

/// <summary>Makes models, or heads, with random weights, to be trained from the start.</summary>
public static class LanguageModelInitializer
{
    private const double Deviation = 0.02;

    /// <summary>Makes a model.</summary>
    /// <remarks>Matrices are drawn from N(0, 0.02^2); those that write into the residual stream, attention output and
    /// the MLP's last, from N(0, 0.02^2 / 2L) with L layers, so that the stream's variance does not grow with depth
    /// (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3). In encoders, whose
    /// norms stand behind the sums, all matrices are drawn from the former (Devlin et al. 2018, arXiv:1810.04805).
    /// Gains are 1, biases 0.</remarks>
    /// <param name="configJson">The content of config.json, which says what the model is like.</param>
    /// <param name="seed">Seed.</param>
    /// <param name="type">The type of the weights: F32, F16 or BF16.</param>
    /// <param name="tokenizerFiles">tokenizer.json or vocab.txt, and other files that travel along with the model, by
    /// name; null = no tokenizer.</param>
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

    /// <summary>Puts a new classification head on an encoder that has none. A head for masked tokens goes; a pooler
    /// stays.</summary>
    /// <remarks>Matrices are drawn from N(0, 0.02^2) and biases are 0, as Devlin et al. 2018 (arXiv:1810.04805) start a
    /// task. Everything else is shared with the model.</remarks>
    /// <param name="model">An encoder without a head, or with one for masked tokens.</param>
    /// <param name="labels">Names of the labels, by class; at least two, no two alike.</param>
    /// <param name="seed">Seed.</param>
    /// <returns>The classifier; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">The model is a decoder or a classifier already, or the labels are fewer than
    /// two or repeat.</exception>
    public static LanguageModel AddClassifier(LanguageModel model, IReadOnlyList<string> labels, int seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(labels);
        RequireHeadless(model.Spec, labels);
        ModelSpec spec = WithClassifier(model, labels, out string configJson);
        var random = new Random(seed);
        TensorType type = model.Weights[TensorNames.Embedding].Type;
        Dictionary<string, StoredTensor> weights = spec.Parameters().Concat(spec.AdapterParameters()).ToDictionary(
            p => p.Name, p => model.Weights.GetValueOrDefault(p.Name)
                ?? new ArrayTensor(p.Name, Draw(p, spec, random), p.Shape, type));
        return new LanguageModel(model.ToContent() with
        {
            Spec = spec,
            Weights = weights,
            ConfigJson = configJson,
            Provenance =
            [
                .. model.Provenance,
                ProvenanceStep.Now("initialize", "classification-head", new JsonObject
                {
                    ["seed"] = seed,
                    ["deviation"] = Deviation,
                    ["labels"] = new JsonArray([.. labels.Select(label => (JsonNode)label)]),
                    ["newWeights"] = new JsonArray([.. weights.Keys.Where(name => !model.Weights.ContainsKey(name))
                        .Select(name => (JsonNode)name)]),
                }),
            ],
        });
    }

    private static void RequireHeadless(ModelSpec spec, IReadOnlyList<string> labels)
    {
        if (spec.Encoder is not { } encoder)
        {
            throw new ArgumentException($"The {spec.Family} model is a decoder; a new classification head is for "
                + "encoders: bert, distilbert and roberta.");
        }

        if (encoder.IsClassifier)
        {
            throw new ArgumentException($"The {spec.Family} model has a classification head already, for the labels "
                + $"{string.Join(", ", encoder.Labels)}; train that one, without a new head.");
        }

        if (labels.Count < 2 || labels.Distinct(StringComparer.Ordinal).Count() != labels.Count)
        {
            throw new ArgumentException($"The labels of a new head are {(labels.Count == 0 ? "none"
                : string.Join(", ", labels))}; a classifier tells at least two apart, each named once.");
        }
    }

    // The family knows what its classifiers have at their end: its own configuration is asked.
    private static ModelSpec WithClassifier(LanguageModel model, IReadOnlyList<string> labels, out string configJson)
    {
        JsonObject config = FamilyRegistry.ParseConfig(model.ConfigJson);
        foreach (string old in (string[])["num_labels", "id2label", "label2id", "problem_type"]) config.Remove(old);
        FamilyRegistry.Get(model.Spec.Family).WriteConfig(model.Spec with
        {
            Encoder = model.Spec.Encoder! with { Head = EncoderHead.Classification, Labels = labels },
        }, config);
        configJson = config.ToJsonString();
        ModelSpec classifier = FamilyRegistry.ReadConfig(config);
        return model.Spec with
        {
            TiedHead = classifier.TiedHead,
            HeadBias = classifier.HeadBias,
            Encoder = classifier.Encoder,
        };
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
        double deviation = parameter.Part is TensorNames.Output or TensorNames.Down
            ? ResidualDeviation(spec)
            : Deviation;
        for (int i = 0; i < values.Length; i++) values[i] = (float)(deviation * random.NextNormal());
        return values;
    }
}
