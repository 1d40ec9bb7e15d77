using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <summary>Gemma 2: LLaMA with gains stored as their difference from 1, norms before and after attention and MLP,
/// scaled embeddings, soft-capped scores and logits, a sliding window in every other layer and a gated tanh-GELU MLP
/// (Riviere et al. 2024, arXiv:2408.00118).</summary>
/// <remarks>Deviation: embeddings are scaled by sqrt(hidden size) in the precision of the computation; Hugging Face
/// rounds that factor to the type of the weights first. A model whose hidden size was cut keeps its factor, declared as
/// <c>embedding_scale</c>, which this library reads.</remarks>
public sealed class Gemma2Family : LlamaFamily
{
    private const string ScaleKey = "embedding_scale";

    /// <inheritdoc/>
    public override string ModelType => "gemma2";

    private protected override int? DefaultKeyValueHeads => 4;

    private protected override int? DefaultHeadSize => 256;

    private protected override (string Key, string Default) Activation => ("hidden_activation", "gelu_pytorch_tanh");

    private protected override int? DefaultBosTokenId => 2;

    private protected override int? DefaultEosTokenId => 1;

    private protected override ModelSpec Read(ConfigReader config)
    {
        ModelSpec spec = base.Read(config);
        int? window = config.IntOrNull("sliding_window");
        if (window is null && !config.IsNull("sliding_window")) window = 4096;
        return spec with
        {
            ContextLength = config.Int("max_position_embeddings", 8192),
            NormGainOffset = 1,
            PostNorms = true,
            EmbeddingScale = config.Double(ScaleKey, Math.Sqrt(spec.HiddenSize)),
            AttentionScale = 1 / Math.Sqrt(config.Double("query_pre_attn_scalar", 256)),
            AttentionSoftCap = Cap("attn_logit_softcapping", 50),
            LogitSoftCap = Cap("final_logit_softcapping", 30),
            SlidingWindow = window,
            Layers = window is null ? spec.Layers : config.WithLayerTypes(spec.Layers, IsFull),
            MlpBias = false,
            TiedHead = config.Bool("tie_word_embeddings", true),
        };

        double? Cap(string key, double byDefault) => config.IsNull(key) ? null : config.Double(key, byDefault);
    }

    private protected override void Write(ModelSpec spec, JsonObject config)
    {
        base.Write(spec, config);
        if (spec.SlidingWindow is not null) LayerTypes.Write(spec, config, IsFull);
        if (config[ScaleKey] is not null || spec.EmbeddingScale != Math.Sqrt(spec.HiddenSize))
            config[ScaleKey] = spec.EmbeddingScale;
    }

    private protected override string SourceOf(string part) => part switch
    {
        TensorNames.AttentionPostNorm => "post_attention_layernorm",
        TensorNames.MlpNorm => "pre_feedforward_layernorm",
        TensorNames.MlpPostNorm => "post_feedforward_layernorm",
        _ => part,
    };

    private static bool IsFull(int layer) => layer % 2 == 1;
}
