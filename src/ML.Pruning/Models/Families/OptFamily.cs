using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>OPT: LayerNorm, learned positions with an offset of two rows, plain ReLU MLP (Zhang et al. 2022,
/// arXiv:2205.01068).</summary>
public sealed class OptFamily : LayerNormFamily
{
    /// <summary>Rows of the position table before position 0.</summary>
    private const int Offset = 2;

    /// <summary>The token that starts and ends texts.</summary>
    private const int DefaultTextToken = 2;

    /// <inheritdoc/>
    public override string ModelType => "opt";

    /// <inheritdoc/>
    public override string Prefix => "model.decoder.";

    /// <inheritdoc/>
    public override IReadOnlyList<string> OtherPrefixes => ["decoder.", ""];

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
        [("embed_tokens.weight", TensorNames.Embedding), ("embed_positions.weight", TensorNames.PositionEmbedding)];

    private protected override string LayerPrefix => "layers.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("self_attn_layer_norm", TensorNames.AttentionNorm),
        new("self_attn.q_proj", TensorNames.Query),
        new("self_attn.k_proj", TensorNames.Key),
        new("self_attn.v_proj", TensorNames.Value),
        new("self_attn.out_proj", TensorNames.Output),
        new("final_layer_norm", TensorNames.MlpNorm),
        new("fc1", TensorNames.Up),
        new("fc2", TensorNames.Down),
    ];

    private protected override string LastNorm => "final_layer_norm";

    private protected override int? DefaultBosTokenId => DefaultTextToken;

    private protected override int? DefaultEosTokenId => DefaultTextToken;

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("hidden_size", 768);
        int heads = config.Int("num_attention_heads", 12);
        int vocabulary = config.Int("vocab_size", 50272);
        config.RequireTrue("do_layer_norm_before");
        config.RequireTrue("layer_norm_elementwise_affine");
        config.RequireFalse("_remove_final_layer_norm");
        if (config.Int("word_embed_proj_dim", hidden) is var projection && projection != hidden)
        {
            throw new ModelFormatException($"config.json: 'word_embed_proj_dim' is {projection}; only the hidden size "
                + $"({hidden}) is supported.");
        }

        LayerSpec layer = UniformLayer(
            config, "num_attention_heads", heads, "hidden_size", hidden, config.Int("ffn_dim", 3072));
        IReadOnlyList<LayerSpec> layers = LayerShapes.Read(config, config.Int("num_hidden_layers", 12), layer);
        int context = config.Int("max_position_embeddings", 2048);
        return SharedSpec(config, vocabulary, hidden, context, layers, config.Bool("enable_bias", true)) with
        {
            Positions = PositionKind.Learned,
            PositionOffset = Offset,
            Activation = config.Activation("activation_function", "relu"),
        };
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        LayerSpec first = spec.Layers[0];
        config["vocab_size"] = spec.VocabularySize;
        config["hidden_size"] = spec.HiddenSize;
        config["word_embed_proj_dim"] = spec.HiddenSize;
        config["num_hidden_layers"] = spec.Layers.Count;
        config["num_attention_heads"] = first.Heads;
        config["ffn_dim"] = first.MlpWidth;
        config["tie_word_embeddings"] = spec.TiedHead;
    }
}
