namespace ML.Pruning.Models.Families;

/// <summary>Phi 3 and 4: LLaMA with queries, keys and values in one tensor, gate and up in another, and rotary
/// positions that may turn a part of a head only and may be stretched by LongRoPE (Abdin et al. 2024,
/// arXiv:2404.14219).</summary>
public sealed class Phi3Family : LlamaFamily
{
    private static readonly LayerTensor[] s_layerTensors =
    [
        new("input_layernorm", TensorNames.AttentionNorm),
        new("self_attn.qkv_proj", TensorNames.Query, TensorNames.Key, TensorNames.Value),
        new("self_attn.o_proj", TensorNames.Output),
        new("post_attention_layernorm", TensorNames.MlpNorm),
        new("mlp.gate_up_proj", TensorNames.Gate, TensorNames.Up),
        new("mlp.down_proj", TensorNames.Down),
    ];

    /// <inheritdoc/>
    public override string ModelType => "phi3";

    private protected override string? RotaryFractionKey => "partial_rotary_factor";

    private protected override int? DefaultEosTokenId => 32000;

    /// <inheritdoc/>
    public override IEnumerable<TensorMapping> MapTensors(ModelSpec spec)
    {
        yield return TensorMapping.Plain(TensorNames.Embedding, TensorNames.Embedding);
        for (int layer = 0; layer < spec.Layers.Count; layer++)
        {
            foreach (LayerTensor tensor in s_layerTensors)
                foreach (TensorMapping mapping in tensor.Map(spec, layer, $"layers.{layer}.")) yield return mapping;
        }

        if (spec.Norm != NormKind.PlainRmsNorm)
            yield return TensorMapping.Plain(TensorNames.FinalNorm, TensorNames.FinalNorm);
        if (!spec.TiedHead) yield return TensorMapping.Plain(HeadName, TensorNames.Head, hasPrefix: false);
        foreach (TensorMapping added in MapAddedTensors(spec)) yield return added;
    }

    private protected override ModelSpec Read(ConfigReader config) => base.Read(config) with
    {
        ContextLength = config.Int("max_position_embeddings", 4096),
        NormEpsilon = config.Double("rms_norm_eps", 1e-5),
        SlidingWindow = ReadWindow(config),
        QueryKeyValueBias = false,
        OutputBias = false,
        MlpBias = false,
    };

    private static int? ReadWindow(ConfigReader config)
    {
        int? window = config.IntOrNull("sliding_window");
        config.RequireLayerTypes(window is null ? LayerTypes.Full : LayerTypes.Sliding);
        return window;
    }
}
