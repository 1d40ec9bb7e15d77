using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>GPT-2: LayerNorm, learned positions, plain GELU MLP, fused and transposed projections (Radford et al.
/// 2019).</summary>
public sealed class Gpt2Family : ModelFamily
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
        name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith(".attn.masked_bias", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override IEnumerable<TensorMapping> MapTensors(ModelSpec spec)
    {
        yield return TensorMapping.Plain("wte.weight", TensorNames.Embedding);
        yield return TensorMapping.Plain("wpe.weight", TensorNames.PositionEmbedding);
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            foreach ((string source, string[] parts, bool transposed) in Parts())
            {
                yield return new($"h.{layer}.{source}.weight",
                    [.. parts.Select(part => TensorNames.Weight(layer, part))], transposed);
                foreach (TensorMapping bias in MapBiases(spec, layer, $"h.{layer}.{source}", parts)) yield return bias;
            }
        }

        yield return TensorMapping.Plain("ln_f.weight", TensorNames.FinalNorm);
        yield return TensorMapping.Plain("ln_f.bias", TensorNames.FinalNormBias);
        if (!spec.TiedHead) yield return TensorMapping.Plain("lm_head.weight", TensorNames.Head, hasPrefix: false);
    }

    private protected override bool CanExpress(ModelSpec spec, LayerSpec layer) =>
        layer.KeyValueHeads == layer.Heads && layer.QueryWidth == spec.HiddenSize;

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("n_embd", "hidden_size", 768);
        int heads = config.Int("n_head", "num_attention_heads", 12);
        int vocabulary = config.Int("vocab_size", DefaultVocabulary);
        config.RequireTrue("scale_attn_weights");
        config.RequireFalse("scale_attn_by_inverse_layer_idx");
        if (!config.Has(LayerShapes.Key)) config.RequireDivides("n_head", heads, "n_embd", hidden);
        var layer = new LayerSpec
        {
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / Math.Max(heads, 1),
            MlpWidth = config.IntOrNull("n_inner") ?? 4 * hidden,
        };
        return new ModelSpec
        {
            Family = ModelType,
            VocabularySize = vocabulary,
            HiddenSize = hidden,
            ContextLength = config.Int("n_positions", "max_position_embeddings", config.Int("n_ctx", 1024)),
            Layers = LayerShapes.Read(config, config.Int("n_layer", "num_hidden_layers", 12), layer),
            Norm = NormKind.LayerNorm,
            NormEpsilon = config.Double("layer_norm_epsilon", 1e-5),
            Positions = PositionKind.Learned,
            Activation = config.Activation("activation_function", "gelu_new"),
            GatedMlp = false,
            QueryKeyValueBias = true,
            OutputBias = true,
            MlpBias = true,
            TiedHead = config.Bool("tie_word_embeddings", true),
            BosTokenId = config.BosTokenId(DefaultVocabulary - 1, vocabulary),
            EosTokenIds = config.EosTokenIds(DefaultVocabulary - 1, vocabulary),
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

    private static IEnumerable<(string Source, string[] Parts, bool Transposed)> Parts() =>
    [
        ("ln_1", [TensorNames.AttentionNorm], false),
        ("attn.c_attn", [TensorNames.Query, TensorNames.Key, TensorNames.Value], true),
        ("attn.c_proj", [TensorNames.Output], true),
        ("ln_2", [TensorNames.MlpNorm], false),
        ("mlp.c_fc", [TensorNames.Up], true),
        ("mlp.c_proj", [TensorNames.Down], true),
    ];
}
