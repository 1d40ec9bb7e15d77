using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>DistilBERT (Sanh et al. 2019, arXiv:1910.01108): BERT without token types and pooler; a classifier's first
/// linear map is followed by ReLU.</summary>
public sealed class DistilBertFamily : EncoderFamily
{
    /// <inheritdoc/>
    public override string ModelType => "distilbert";

    /// <inheritdoc/>
    public override string Prefix => "distilbert.";

    /// <inheritdoc/>
    public override string HeadName => "vocab_projector.weight";

    private protected override string HeadBiasName => "vocab_projector.bias";

    private protected override string ClassPrefix => "DistilBert";

    private protected override int DefaultPadTokenId => 0;

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
    [
        ("embeddings.word_embeddings.weight", TensorNames.Embedding),
        ("embeddings.position_embeddings.weight", TensorNames.PositionEmbedding),
        ("embeddings.LayerNorm.weight", TensorNames.EmbeddingNormGain),
        ("embeddings.LayerNorm.bias", TensorNames.EmbeddingNormBias),
    ];

    private protected override string LayerPrefix => "transformer.layer.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("attention.q_lin", TensorNames.Query),
        new("attention.k_lin", TensorNames.Key),
        new("attention.v_lin", TensorNames.Value),
        new("attention.out_lin", TensorNames.Output),
        new("sa_layer_norm", TensorNames.AttentionSumNorm),
        new("ffn.lin1", TensorNames.Up),
        new("ffn.lin2", TensorNames.Down),
        new("output_layer_norm", TensorNames.MlpSumNorm),
    ];

    private protected override IReadOnlyList<(string Source, string Canonical, bool HasPrefix)> EndModules(
        EncoderHead head) =>
    [
        ("pre_classifier", TensorNames.Pooler, false),
        ("classifier", TensorNames.Classifier, false),
        ("vocab_transform", TensorNames.HeadTransform, false),
        ("vocab_layer_norm", TensorNames.HeadNorm, false),
    ];

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("dim", "hidden_size", 768);
        int heads = config.Int("n_heads", "num_attention_heads", 12);
        LayerSpec layer = UniformLayer(config, "n_heads", heads, "dim", hidden, config.Int("hidden_dim", 4 * hidden));
        IReadOnlyList<LayerSpec> layers =
            LayerShapes.Read(config, config.Int("n_layers", "num_hidden_layers", 6), layer);
        ModelSpec shared = SharedSpec(config, config.Int("vocab_size", 30522), hidden,
            config.Int("max_position_embeddings", 512), layers, biases: true);
        ActivationKind activation = config.Activation("activation", "gelu");
        ModelSpec spec = EncoderSpec(config, shared, ActivationKind.Relu, hasPoolerWithoutHead: false);
        return spec with
        {
            NormEpsilon = 1e-12,
            Activation = activation,
            Encoder = spec.Encoder! with { HeadActivation = activation },
        };
    }

    private protected override void WriteSizes(ModelSpec spec, JsonObject config)
    {
        LayerSpec first = spec.Layers[0];
        config["vocab_size"] = spec.VocabularySize;
        config["dim"] = spec.HiddenSize;
        config["n_layers"] = spec.Layers.Count;
        config["n_heads"] = first.Heads;
        config["hidden_dim"] = first.MlpWidth;
        foreach (string alias in (string[])["hidden_size", "num_attention_heads", "num_hidden_layers"])
            config.Remove(alias);
    }
}
