using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>What the encoder families share: LayerNorm after every residual sum, learned positions, and one of the
/// heads of <see cref="EncoderHead"/>, which <c>architectures</c> in config.json names.</summary>
public abstract class EncoderFamily : LayerNormFamily
{
    /// <summary>What the names of the architectures start with, such as <c>Bert</c>.</summary>
    private protected abstract string ClassPrefix { get; }

    /// <summary>The modules of poolers and heads: names in the checkpoint and canonical names.</summary>
    private protected abstract IReadOnlyList<(string Source, string Canonical, bool HasPrefix)> EndModules(
        EncoderHead head);

    /// <summary>Name of the token that pads, for a configuration that does not name it.</summary>
    private protected abstract int DefaultPadTokenId { get; }

    private protected override string LastNorm => "";

    private protected override int? DefaultBosTokenId => null;

    private protected override int? DefaultEosTokenId => null;

    /// <inheritdoc/>
    public override IEnumerable<TensorMapping> MapTensors(ModelSpec spec)
    {
        foreach (TensorMapping mapping in base.MapTensors(spec)) yield return mapping;
        HashSet<string> names = [.. spec.Parameters().Select(p => p.Name)];
        foreach ((string source, string canonical, bool hasPrefix) in EndModules(spec.Encoder!.Head))
        {
            foreach (string suffix in (string[])[".weight", ".bias"])
            {
                if (names.Contains(canonical + suffix))
                    yield return TensorMapping.Plain(source + suffix, canonical + suffix, hasPrefix);
            }
        }
    }

    /// <inheritdoc/>
    public override bool IsNoParameter(string name) =>
        name.EndsWith("embeddings.position_ids", StringComparison.Ordinal);

    /// <summary>The part of the spec that all encoders have.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="shared">What LayerNorm families share.</param>
    /// <param name="pooler">Non-linearity of the pooler of a classifier.</param>
    /// <param name="hasPoolerWithoutHead">Whether an encoder without a head has a pooler, too.</param>
    private protected ModelSpec EncoderSpec(
        ConfigReader config, ModelSpec shared, ActivationKind pooler, bool hasPoolerWithoutHead)
    {
        EncoderHead head = config.EncoderHead(ClassPrefix);
        bool hasPooler = head == EncoderHead.Classification || head == EncoderHead.None && hasPoolerWithoutHead;
        bool predicts = head == EncoderHead.MaskedLanguageModel;
        config.RequireFalse("is_decoder");
        if (config.Object("pruned_heads") is not null)
        {
            throw new ModelFormatException("config.json: 'pruned_heads' is not supported; declare the heads of every "
                + $"layer as '{LayerShapes.Key}'.");
        }

        return shared with
        {
            NormAfterSum = true,
            EmbeddingNorm = true,
            Positions = PositionKind.Learned,
            TiedHead = !predicts || shared.TiedHead,
            HeadBias = predicts,
            BosTokenId = null,
            EosTokenIds = [],
            Encoder = new EncoderSpec
            {
                Head = head,
                Pooler = hasPooler ? pooler : null,
                Labels = head == EncoderHead.Classification ? config.Labels() : [],
                PadTokenId = config.Int("pad_token_id", DefaultPadTokenId),
            },
        };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        WriteSizes(spec, config);
        if (spec.Encoder is not { } encoder) return;
        if (new ConfigReader(config).EncoderHead(ClassPrefix) != encoder.Head)
        {
            config["architectures"] = new JsonArray(ClassPrefix + encoder.Head switch
            {
                EncoderHead.MaskedLanguageModel => "ForMaskedLM",
                EncoderHead.Classification => "ForSequenceClassification",
                _ => "Model",
            });
        }

        if (encoder.IsClassifier && !new ConfigReader(config).Labels().SequenceEqual(encoder.Labels))
            ConfigReader.WriteLabels(config, encoder.Labels);
    }

    /// <summary>Writes the sizes in the family's own keys.</summary>
    private protected abstract void WriteSizes(ModelSpec spec, JsonObject config);
}
