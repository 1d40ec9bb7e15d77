using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>OPT: LayerNorm, learned positions with an offset of two rows, plain ReLU MLP (Zhang et al. 2022,
/// arXiv:2205.01068).</summary>
public sealed class OptFamily : ModelFamily
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

    /// <inheritdoc/>
    public override IEnumerable<TensorMapping> MapTensors(ModelSpec spec)
    {
        yield return TensorMapping.Plain("embed_tokens.weight", TensorNames.Embedding);
        yield return TensorMapping.Plain("embed_positions.weight", TensorNames.PositionEmbedding);
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            foreach (ParameterSpec parameter in spec.LayerParameters(layer))
            {
                string suffix = parameter.Name.EndsWith(".bias", StringComparison.Ordinal) ? "bias" : "weight";
                yield return TensorMapping.Plain($"layers.{layer}.{SourceOf(parameter.Part)}.{suffix}", parameter.Name);
            }
        }

        yield return TensorMapping.Plain("final_layer_norm.weight", TensorNames.FinalNorm);
        yield return TensorMapping.Plain("final_layer_norm.bias", TensorNames.FinalNormBias);
        if (!spec.TiedHead) yield return TensorMapping.Plain("lm_head.weight", TensorNames.Head, hasPrefix: false);
    }

    private protected override bool CanExpress(ModelSpec spec, LayerSpec layer) =>
        layer.KeyValueHeads == layer.Heads && layer.QueryWidth == spec.HiddenSize;

    private protected override ModelSpec Read(ConfigReader config)
    {
        int hidden = config.Int("hidden_size", 768);
        int heads = config.Int("num_attention_heads", 12);
        int vocabulary = config.Int("vocab_size", 50272);
        config.RequireTrue("do_layer_norm_before");
        config.RequireTrue("layer_norm_elementwise_affine");
        config.RequireFalse("_remove_final_layer_norm");
        if (!config.Has(LayerShapes.Key)) config.RequireDivides("num_attention_heads", heads, "hidden_size", hidden);
        if (config.Int("word_embed_proj_dim", hidden) is var projection && projection != hidden)
        {
            throw new ModelFormatException($"config.json: 'word_embed_proj_dim' is {projection}; only the hidden size "
                + $"({hidden}) is supported.");
        }

        bool bias = config.Bool("enable_bias", true);
        var layer = new LayerSpec
        {
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / Math.Max(heads, 1),
            MlpWidth = config.Int("ffn_dim", 3072),
        };
        return new ModelSpec
        {
            Family = ModelType,
            VocabularySize = vocabulary,
            HiddenSize = hidden,
            ContextLength = config.Int("max_position_embeddings", 2048),
            Layers = LayerShapes.Read(config, config.Int("num_hidden_layers", 12), layer),
            Norm = NormKind.LayerNorm,
            Positions = PositionKind.Learned,
            PositionOffset = Offset,
            Activation = config.Activation("activation_function", "relu"),
            GatedMlp = false,
            QueryKeyValueBias = bias,
            OutputBias = bias,
            MlpBias = bias,
            TiedHead = config.Bool("tie_word_embeddings", true),
            BosTokenId = config.BosTokenId(DefaultTextToken, vocabulary),
            EosTokenIds = config.EosTokenIds(DefaultTextToken, vocabulary),
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

    private static string SourceOf(string part) => part switch
    {
        TensorNames.AttentionNorm => "self_attn_layer_norm",
        TensorNames.MlpNorm => "final_layer_norm",
        TensorNames.Output => "self_attn.out_proj",
        TensorNames.Up => "fc1",
        TensorNames.Down => "fc2",
        _ => part,
    };
}
