namespace ML.Pruning.Models;

/// <summary>The canonical tensor names that every family is mapped to: those of LLaMA without the prefix.</summary>
public static class TensorNames
{
    /// <summary>Token embedding [vocabulary, hidden].</summary>
    public const string Embedding = "embed_tokens.weight";

    /// <summary>Learned position embedding [positions, hidden].</summary>
    public const string PositionEmbedding = "embed_positions.weight";

    /// <summary>Token-type embedding of an encoder [token types, hidden].</summary>
    public const string TokenTypeEmbedding = "embed_token_types.weight";

    /// <summary>Linear map on the first token's state of an encoder [hidden, hidden], without suffix.</summary>
    internal const string Pooler = "pooler";

    /// <summary>Linear map from the pooled state to the labels [labels, hidden], without suffix.</summary>
    internal const string Classifier = "classifier";

    /// <summary>Linear map before the head of a masked language model [hidden, hidden], without suffix.</summary>
    internal const string HeadTransform = "head_transform";

    /// <summary>Norm of what <see cref="HeadTransform"/> yields, without suffix.</summary>
    internal const string HeadNorm = "head_norm";

    /// <summary>Norm of the embeddings, without suffix.</summary>
    internal const string EmbeddingNorm = "embed_norm";

    /// <summary>The final norm, without suffix.</summary>
    internal const string LastNorm = "norm";

    /// <summary>Gain of the norm of the embeddings [hidden].</summary>
    public const string EmbeddingNormGain = "embed_norm.weight";

    /// <summary>Bias of the norm of the embeddings [hidden].</summary>
    public const string EmbeddingNormBias = "embed_norm.bias";

    /// <summary>Gain of the final norm [hidden].</summary>
    public const string FinalNorm = "norm.weight";

    /// <summary>Bias of the final norm [hidden].</summary>
    public const string FinalNormBias = "norm.bias";

    /// <summary>Language-model head [vocabulary, hidden]; absent when tied to the embedding.</summary>
    public const string Head = "lm_head.weight";

    /// <summary>Bias of the language-model head [vocabulary].</summary>
    public const string HeadBias = "lm_head.bias";

    /// <summary>Query projection.</summary>
    public const string Query = "self_attn.q_proj";

    /// <summary>Key projection.</summary>
    public const string Key = "self_attn.k_proj";

    /// <summary>Value projection.</summary>
    public const string Value = "self_attn.v_proj";

    /// <summary>Attention output projection.</summary>
    public const string Output = "self_attn.o_proj";

    /// <summary>Norm of each query head.</summary>
    public const string QueryNorm = "self_attn.q_norm";

    /// <summary>Norm of each key head.</summary>
    public const string KeyNorm = "self_attn.k_norm";

    /// <summary>Gate of a gated MLP.</summary>
    public const string Gate = "mlp.gate_proj";

    /// <summary>First projection of the MLP.</summary>
    public const string Up = "mlp.up_proj";

    /// <summary>Last projection of the MLP.</summary>
    public const string Down = "mlp.down_proj";

    /// <summary>Norm before attention.</summary>
    public const string AttentionNorm = "input_layernorm";

    /// <summary>Norm before the MLP.</summary>
    public const string MlpNorm = "post_attention_layernorm";

    /// <summary>Norm of what attention yields, before the residual sum.</summary>
    public const string AttentionPostNorm = "attention_post_norm";

    /// <summary>Norm of what the MLP yields, before the residual sum.</summary>
    public const string MlpPostNorm = "mlp_post_norm";

    /// <summary>Norm of the sum of the residual stream and what attention yields.</summary>
    public const string AttentionSumNorm = "attention_sum_norm";

    /// <summary>Norm of the sum of the residual stream and what the MLP yields.</summary>
    public const string MlpSumNorm = "mlp_sum_norm";

    /// <summary>Matrix on the residual stream beside attention, or beside attention and MLP where they are
    /// parallel.</summary>
    public const string AttentionShortcut = "attn_shortcut";

    /// <summary>Matrix on the residual stream beside the MLP.</summary>
    public const string MlpShortcut = "mlp_shortcut";

    /// <summary>The linear maps that a layer can have, in the order of the forward pass.</summary>
    internal static IReadOnlyList<(LinearParts Flag, string Part)> LinearMaps { get; } =
    [
        (LinearParts.Query, Query), (LinearParts.Key, Key), (LinearParts.Value, Value), (LinearParts.Output, Output),
        (LinearParts.Gate, Gate), (LinearParts.Up, Up), (LinearParts.Down, Down),
    ];

    /// <summary>A part of a layer, without suffix.</summary>
    internal static string Name(int layer, string part) => $"layers.{layer}.{part}";

    /// <summary>The weight of a part of a layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="part">A part, such as <see cref="Query"/>.</param>
    /// <returns>For instance <c>layers.3.self_attn.q_proj.weight</c>.</returns>
    public static string Weight(int layer, string part) => $"layers.{layer}.{part}.weight";

    /// <summary>The bias of a part of a layer.</summary>
    /// <param name="layer">Layer, from 0.</param>
    /// <param name="part">A part, such as <see cref="Query"/>.</param>
    /// <returns>For instance <c>layers.3.self_attn.q_proj.bias</c>.</returns>
    public static string Bias(int layer, string part) => $"layers.{layer}.{part}.bias";
}
