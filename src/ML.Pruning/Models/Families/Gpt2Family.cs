using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>GPT-2: LayerNorm, learned positions, plain GELU MLP, fused and transposed projections (Radford et al.
/// 2019).</summary>
public sealed class Gpt2Family : LayerNormFamily
{
    private const int DefaultVocabulary = 50257;

    /// <summary>Other names of the keys that <see cref="Write"/> sets; left there they would contradict them.</summary>
    private static readonly string[] s_aliases = ["hidden_size", "num_attention_heads", "num_hidden_layers"];

    /// <inheritdoc/>
    public override string ModelType => "gpt2";

    /// <inheritdoc/>
    public override string Prefix => "transformer.";

    /// <inheritdoc/>
    public override bool IsNoParameter(string name) =>
        name.EndsWith(".attn.bias", StringComparison.Ordinal)
            || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal);

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
        [("wte.weight", TensorNames.Embedding), ("wpe.weight", TensorNames.PositionEmbedding)];

    private protected override string LayerPrefix => "h.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("ln_1", TensorNames.AttentionNorm),
        new("attn.c_attn", TensorNames.Query, TensorNames.Key, TensorNames.Value) { Transposed = true },
        new("attn.c_proj", TensorNames.Output) { Transposed = true },
        new("ln_2", TensorNames.MlpNorm),
        new("mlp.c_fc", TensorNames.Up) { Transposed = true },
        new("mlp.c_proj", TensorNames.Down) { Transposed = true },
    ];

    private protected override string LastNorm => "ln_f";

    private protected override int? DefaultBosTokenId => DefaultVocabulary - 1;

    private protected override int? DefaultEosTokenId => DefaultVocabulary - 1;

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("n_embd", "hidden_size", 768);
        int heads = config.Int("n_head", "num_attention_heads", 12);
        int vocabulary = config.Int("vocab_size", DefaultVocabulary);
        config.RequireTrue("scale_attn_weights");
        config.RequireFalse("scale_attn_by_inverse_layer_idx");
        LayerSpec layer = UniformLayer(
            config, "n_head", heads, "n_embd", hidden, config.IntOrNull("n_inner") ?? 4 * hidden);
        int context = config.Int("n_positions", "max_position_embeddings", config.Int("n_ctx", 1024));
        IReadOnlyList<LayerSpec> layers =
            LayerShapes.Read(config, config.Int("n_layer", "num_hidden_layers", 12), layer);
        return SharedSpec(config, vocabulary, hidden, context, layers, biases: true) with
        {
            NormEpsilon = config.Double("layer_norm_epsilon", 1e-5),
            Positions = PositionKind.Learned,
            Activation = config.Activation("activation_function", "gelu_new"),
        };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        LayerSpec first = spec.Layers[0];
        config["vocab_size"] = spec.VocabularySize;
        config["n_embd"] = spec.HiddenSize;
        config["n_layer"] = spec.Layers.Count;
        config["n_head"] = first.Heads;
        if (config["n_inner"] is not null || first.MlpWidth != 4 * spec.HiddenSize) config["n_inner"] = first.MlpWidth;
        foreach (string alias in s_aliases) config.Remove(alias);
        config["tie_word_embeddings"] = spec.TiedHead;
    }
}
