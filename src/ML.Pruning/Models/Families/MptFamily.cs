using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>MPT: ALiBi positions, LayerNorm without biases, queries, keys and values in one tensor, plain GELU MLP, no
/// biases, tied head (MosaicML 2023).</summary>
public sealed class MptFamily : LayerNormFamily
{
    private const int DefaultExpansion = 4;
    private const int DefaultLargestExponent = 8;

    /// <inheritdoc/>
    public override string ModelType => "mpt";

    /// <inheritdoc/>
    public override string Prefix => "transformer.";

    private protected override IReadOnlyList<(string Source, string Canonical)> FirstTensors =>
        [("wte.weight", TensorNames.Embedding)];

    private protected override string LayerPrefix => "blocks.";

    private protected override IReadOnlyList<LayerTensor> LayerTensors { get; } =
    [
        new("norm_1", TensorNames.AttentionNorm),
        new("attn.Wqkv", TensorNames.Query, TensorNames.Key, TensorNames.Value),
        new("attn.out_proj", TensorNames.Output),
        new("norm_2", TensorNames.MlpNorm),
        new("ffn.up_proj", TensorNames.Up),
        new("ffn.down_proj", TensorNames.Down),
    ];

    private protected override string LastNorm => "norm_f";

    private protected override int? DefaultBosTokenId => null;

    private protected override int? DefaultEosTokenId => null;

    private protected override bool CanExpress(ModelSpec spec, LayerSpec layer) => base.CanExpress(spec, layer)
        && layer.MlpWidth == DefaultExpansion * spec.HiddenSize
        && HeadSlopes.Standard(layer.Heads, DefaultLargestExponent).Equals(layer.AlibiSlopes);

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("d_model", 2048);
        int heads = config.Int("n_heads", 16);
        config.RequireTrue("no_bias");
        config.RequireInt("expansion_ratio", DefaultExpansion);
        if (config.String("norm_type", "low_precision_layernorm") is var norm
            && norm is not ("low_precision_layernorm" or "layernorm"))
        {
            throw new ModelFormatException($"config.json: 'norm_type' is \"{norm}\"; supported: "
                + "low_precision_layernorm, layernorm.");
        }

        LayerSpec layer = UniformLayer(config, "n_heads", heads, "d_model", hidden, DefaultExpansion * hidden) with
        {
            AlibiSlopes = HeadSlopes.Standard(Math.Max(heads, 1), DefaultLargestExponent),
        };
        IReadOnlyList<LayerSpec> layers = LayerShapes.Read(config, config.Int("n_layers", 24), layer);
        ModelSpec spec = SharedSpec(
            config, config.Int("vocab_size", 50368), hidden, config.Int("max_seq_len", 2048), layers, biases: false);
        return ReadAttention(config.Object("attn_config"), spec with
        {
            NormEpsilon = config.Double("layer_norm_epsilon", 1e-5),
            NormBias = false,
            Positions = PositionKind.Alibi,
            Activation = ActivationKind.Gelu,
        });
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        config["vocab_size"] = spec.VocabularySize;
        config["d_model"] = spec.HiddenSize;
        config["n_layers"] = spec.Layers.Count;
        config["n_heads"] = spec.Layers[0].Heads;
        config["tie_word_embeddings"] = spec.TiedHead;
    }

    private static ModelSpec ReadAttention(ConfigReader? attention, ModelSpec spec)
    {
        if (attention is null) return spec;
        if (attention.String("attn_type", "multihead_attention") is var type && type != "multihead_attention")
        {
            throw new ModelFormatException(
                $"config.json: 'attn_config.attn_type' is \"{type}\"; supported: multihead_attention.");
        }

        if (!attention.Bool("alibi", true))
        {
            throw new ModelFormatException(
                "config.json: 'attn_config.alibi' is false; learned positions are not supported.");
        }

        attention.RequireInt("alibi_bias_max", DefaultLargestExponent);
        foreach (string key in (string[])["qk_ln", "prefix_lm", "attn_uses_sequence_id"]) attention.RequireFalse(key);
        return spec with
        {
            QueryKeyValueClip = attention.Has("clip_qkv") ? attention.Double("clip_qkv") : null,
            AttentionScale = attention.Has("softmax_scale") ? attention.Double("softmax_scale") : null,
        };
    }
}
