using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>BERT (Devlin et al. 2018, arXiv:1810.04805), and what has its architecture, such as MiniLM (Wang et al.
/// 2020, arXiv:2002.10957): token types, post-norm layers, a pooler with tanh.</summary>
/// <remarks>Tensors of the next-sentence head, and of a pooler beside a head for masked tokens, are left out: nothing
/// here computes with them.</remarks>
public class BertFamily : EncoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "bert";

    /// <inheritdoc/>
    public override string Prefix => "bert.";

    /// <inheritdoc/>
    public override string HeadName => "cls.predictions.decoder.weight";

    /// <inheritdoc/>
    private protected override string HeadBiasName => "cls.predictions.bias";

    private protected override string ClassPrefix => "Bert";

    private protected override int DefaultPadTokenId => 0;

    /// <summary>Rows of the position table before position 0.</summary>
    /// <param name="padTokenId">The padding token.</param>
    private protected virtual int Offset(int padTokenId) => 0;

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
    [
        ("embeddings.word_embeddings.weight", TensorNames.Embedding),
        ("embeddings.position_embeddings.weight", TensorNames.PositionEmbedding),
        ("embeddings.token_type_embeddings.weight", TensorNames.TokenTypeEmbedding),
        ("embeddings.LayerNorm.weight", TensorNames.EmbeddingNormGain),
        ("embeddings.LayerNorm.bias", TensorNames.EmbeddingNormBias),
    ];

    private protected override string LayerPrefix => "encoder.layer.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("attention.self.query", TensorNames.Query),
        new("attention.self.key", TensorNames.Key),
        new("attention.self.value", TensorNames.Value),
        new("attention.output.dense", TensorNames.Output),
        new("attention.output.LayerNorm", TensorNames.AttentionSumNorm),
        new("intermediate.dense", TensorNames.Up),
        new("output.dense", TensorNames.Down),
        new("output.LayerNorm", TensorNames.MlpSumNorm),
    ];

    private protected override IReadOnlyList<(string Source, string Canonical, bool HasPrefix)> EndModules(
        EncoderHead head) =>
    [
        ("pooler.dense", TensorNames.Pooler, true),
        ("classifier", TensorNames.Classifier, false),
        ("cls.predictions.transform.dense", TensorNames.HeadTransform, false),
        ("cls.predictions.transform.LayerNorm", TensorNames.HeadNorm, false),
    ];

    /// <inheritdoc/>
    internal override string? OldName(string name) => name.EndsWith("LayerNorm.weight", StringComparison.Ordinal)
        ? name[..^"weight".Length] + "gamma"
        : name.EndsWith("LayerNorm.bias", StringComparison.Ordinal) ? name[..^"bias".Length] + "beta" : null;

    /// <inheritdoc/>
    internal override bool IsLeftOut(ModelSpec spec, string name) =>
        spec.PredictsTokens && (name.StartsWith("cls.seq_relationship.", StringComparison.Ordinal)
            || name.StartsWith("pooler.", StringComparison.Ordinal));

    /// <inheritdoc/>
    internal override IEnumerable<(string Source, string Canonical)> Copies(ModelSpec spec)
    {
        foreach ((string, string) copy in base.Copies(spec)) yield return copy;
        if (spec.HeadBias) yield return (HeadName[..^"weight".Length] + "bias", TensorNames.HeadBias);
    }

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("hidden_size", 768);
        LayerSpec layer = UniformLayer(config, "num_attention_heads", config.Int("num_attention_heads", 12),
            "hidden_size", hidden, config.Int("intermediate_size", 3072));
        IReadOnlyList<LayerSpec> layers = LayerShapes.Read(config, config.Int("num_hidden_layers", 12), layer);
        int vocabulary = config.Int("vocab_size", DefaultVocabulary);
        config.RequireString("position_embedding_type", "absolute");
        int offset = Offset(config.Int("pad_token_id", DefaultPadTokenId));
        ModelSpec shared = SharedSpec(
            config, vocabulary, hidden, config.Int("max_position_embeddings", 512 + offset) - offset, layers, true);
        ActivationKind activation = config.Activation("hidden_act", "gelu");
        ModelSpec spec = EncoderSpec(config, shared, ActivationKind.Tanh, hasPoolerWithoutHead: true);
        return spec with
        {
            NormEpsilon = config.Double("layer_norm_eps", 1e-12),
            PositionOffset = offset,
            Activation = activation,
            Encoder = spec.Encoder! with
            {
                TokenTypes = config.Int("type_vocab_size", 2),
                HeadActivation = HeadActivation(activation),
            },
        };
    }

    /// <summary>Tokens, for a configuration that does not say so.</summary>
    private protected virtual int DefaultVocabulary => 30522;

    /// <summary>The non-linearity before the head for masked tokens.</summary>
    private protected virtual ActivationKind HeadActivation(ActivationKind ofLayers) => ofLayers;

    private protected override void WriteSizes(ModelSpec spec, JsonObject config)
    {
        LayerSpec first = spec.Layers[0];
        config["vocab_size"] = spec.VocabularySize;
        config["hidden_size"] = spec.HiddenSize;
        config["num_hidden_layers"] = spec.Layers.Count;
        config["num_attention_heads"] = first.Heads;
        config["intermediate_size"] = first.MlpWidth;
    }
}
