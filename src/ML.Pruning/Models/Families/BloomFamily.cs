using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>BLOOM: ALiBi positions, LayerNorm also after the embedding, query, key and value of each head together in
/// one tensor, plain tanh-GELU MLP, biases, tied head (Le Scao et al. 2022, arXiv:2211.05100).</summary>
/// <remarks>ALiBi has no longest sequence; <c>seq_length</c> (2048 by default) is taken as the context.</remarks>
public sealed class BloomFamily : LayerNormFamily
{
    /// <summary>Other names of the keys that <see cref="Write"/> sets; left there they would contradict them.</summary>
    private static readonly string[] s_aliases = ["n_embed", "num_attention_heads", "num_hidden_layers"];

    /// <inheritdoc/>
    public override string ModelType => "bloom";

    /// <inheritdoc/>
    public override string Prefix => "transformer.";

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
    [
        ("word_embeddings.weight", TensorNames.Embedding),
        ("word_embeddings_layernorm.weight", TensorNames.EmbeddingNormGain),
        ("word_embeddings_layernorm.bias", TensorNames.EmbeddingNormBias),
    ];

    private protected override string LayerPrefix => "h.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("input_layernorm", TensorNames.AttentionNorm),
        new("self_attention.query_key_value", TensorNames.Query, TensorNames.Key, TensorNames.Value) { ByHead = true },
        new("self_attention.dense", TensorNames.Output),
        new("post_attention_layernorm", TensorNames.MlpNorm),
        new("mlp.dense_h_to_4h", TensorNames.Up),
        new("mlp.dense_4h_to_h", TensorNames.Down),
    ];

    private protected override string LastNorm => "ln_f";

    private protected override int? DefaultBosTokenId => 1;

    private protected override int? DefaultEosTokenId => 2;

    // The configuration has no key for the width of the MLP: it is always four times the hidden size.
    private protected override bool CanExpress(ModelSpec spec, LayerSpec layer) => base.CanExpress(spec, layer)
        && layer.MlpWidth == 4 * spec.HiddenSize && HeadSlopes.Standard(layer.Heads).Equals(layer.AlibiSlopes);

    private protected override ModelSpec Read(ConfigReader config)
    {
        config.RequireFalse("apply_residual_connection_post_layernorm");
        int hidden = config.Int("hidden_size", "n_embed", 64);
        int heads = config.Int("n_head", "num_attention_heads", 8);
        LayerSpec layer = UniformLayer(config, "n_head", heads, "hidden_size", hidden, 4 * hidden) with
        {
            AlibiSlopes = HeadSlopes.Standard(Math.Max(heads, 1)),
        };
        IReadOnlyList<LayerSpec> layers =
            LayerShapes.Read(config, config.Int("n_layer", "num_hidden_layers", 2), layer);
        ModelSpec spec = SharedSpec(
            config, config.Int("vocab_size", 250880), hidden, config.Int("seq_length", 2048), layers, biases: true);
        return spec with
        {
            NormEpsilon = config.Double("layer_norm_epsilon", 1e-5),
            EmbeddingNorm = true,
            Positions = PositionKind.Alibi,
            Activation = ActivationKind.GeluTanh,
        };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        config["vocab_size"] = spec.VocabularySize;
        config["hidden_size"] = spec.HiddenSize;
        config["n_layer"] = spec.Layers.Count;
        config["n_head"] = spec.Layers[0].Heads;
        foreach (string alias in s_aliases) config.Remove(alias);
        config["tie_word_embeddings"] = spec.TiedHead;
    }
}
