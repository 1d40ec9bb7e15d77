using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>GPT-NeoX and Pythia: LayerNorm, rotary positions on a part of a head, attention and MLP side by side,
/// query, key and value of each head together in one tensor (Black et al. 2022, arXiv:2204.06745).</summary>
public sealed class GptNeoXFamily : LayerNormFamily
{
    /// <inheritdoc/>
    public override string ModelType => "gpt_neox";

    /// <inheritdoc/>
    public override string Prefix => "gpt_neox.";

    /// <inheritdoc/>
    public override string HeadName => "embed_out.weight";

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
        [("embed_in.weight", TensorNames.Embedding)];

    private protected override string LayerPrefix => "layers.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("input_layernorm", TensorNames.AttentionNorm),
        new("post_attention_layernorm", TensorNames.MlpNorm),
        new("attention.query_key_value", TensorNames.Query, TensorNames.Key, TensorNames.Value) { ByHead = true },
        new("attention.dense", TensorNames.Output),
        new("mlp.dense_h_to_4h", TensorNames.Up),
        new("mlp.dense_4h_to_h", TensorNames.Down),
    ];

    private protected override string LastNorm => "final_layer_norm";

    private protected override bool DefaultTiedHead => false;

    private protected override int? DefaultBosTokenId => 0;

    private protected override int? DefaultEosTokenId => 2;

    /// <inheritdoc/>
    public override bool IsNoParameter(string name) => base.IsNoParameter(name)
        || name.EndsWith(".attention.bias", StringComparison.Ordinal)
        || name.EndsWith(".attention.masked_bias", StringComparison.Ordinal);

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("hidden_size", 6144);
        LayerSpec layer = UniformLayer(config, "num_attention_heads", config.Int("num_attention_heads", 64),
            "hidden_size", hidden, config.Int("intermediate_size", 24576));
        IReadOnlyList<LayerSpec> layers = LayerShapes.Read(config, config.Int("num_hidden_layers", 44), layer);
        ConfigReader.Rotary rotary = config.Rope(config.Double("rotary_emb_base", 10000), "rotary_pct", 0.25);
        bool attentionBias = config.Bool("attention_bias", true);
        ModelSpec spec = SharedSpec(config, config.Int("vocab_size", 50432), hidden,
            config.Int("max_position_embeddings", 2048), layers, biases: true);
        return spec with
        {
            NormEpsilon = config.Double("layer_norm_eps", 1e-5),
            RopeTheta = rotary.Theta,
            RopeScaling = rotary.Scaling,
            RotaryFraction = rotary.Fraction,
            Activation = config.Activation("hidden_act", "gelu"),
            ParallelResidual = config.Bool("use_parallel_residual", true),
            QueryKeyValueBias = attentionBias,
            OutputBias = attentionBias,
        };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        LayerSpec first = spec.Layers[0];
        config["vocab_size"] = spec.VocabularySize;
        config["hidden_size"] = spec.HiddenSize;
        config["num_hidden_layers"] = spec.Layers.Count;
        config["num_attention_heads"] = first.Heads;
        config["intermediate_size"] = first.MlpWidth;
        config["tie_word_embeddings"] = spec.TiedHead;
    }
}
