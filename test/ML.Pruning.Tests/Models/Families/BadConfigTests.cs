using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Configurations that this library cannot compute are refused in one line that names the key.</summary>
[TestClass]
public sealed class BadConfigTests
{
    [TestMethod]
    [DataRow("llama", """ "partial_rotary_factor": 0.5 """, "'partial_rotary_factor' is 0.5")]
    [DataRow("llama", """ "sliding_window": 512 """, "'sliding_window' is 512")]
    [DataRow("llama", """ "layer_types": ["full_attention", "sliding_attention"] """, "\"sliding_attention\"")]
    [DataRow("llama", """ "layer_types": "sliding_attention" """, "'layer_types'")]
    [DataRow("llama", """ "quantization_config": { "quant_method": "gptq", "bits": 4 } """, "'quantization_config'")]
    [DataRow("gpt2", """ "quantization_config": { "load_in_8bit": true } """, "'quantization_config'")]
    [DataRow("llama", """ "num_local_experts": 8 """, "'num_local_experts' is 8")]
    [DataRow("llama", """ "attention_bias": "yes" """, "'attention_bias' is \"yes\"")]
    [DataRow("llama", """ "hidden_act": "quick_gelu" """, "'hidden_act' is \"quick_gelu\"; supported: silu")]
    [DataRow("gpt2", """ "activation_function": "tanh" """, "'activation_function' is \"tanh\"")]
    [DataRow("llama", """ "rope_scaling": { "type": "yarn", "factor": 4.0 } """, "\"yarn\"; supported: default")]
    [DataRow("mistral", """ "rope_parameters": { "rope_type": "dynamic", "factor": 2 } """, "\"dynamic\"")]
    [DataRow("llama", """ "rope_scaling": { "type": "linear" } """, "'rope_scaling.factor'")]
    [DataRow("llama", """ "rope_scaling": { "type": "linear", "factor": 0.5 } """, "'rope_scaling.factor' is 0.5")]
    [DataRow("llama", """ "rope_scaling": { "type": 3, "factor": 2 } """, "'rope_scaling.type' is 3")]
    [DataRow("llama", """ "rope_scaling": "linear" """, "'rope_scaling' is \"linear\"; it must be an object")]
    [DataRow("llama", """ "rope_scaling": { "rope_type": "llama3", "factor": 8 } """, "'rope_scaling.low_freq_factor'")]
    [DataRow("llama", """
        "rope_scaling": { "rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
        "original_max_position_embeddings": 8192 }
        """, "'rope_scaling.high_freq_factor' is 4")]
    [DataRow("llama", """ "rope_parameters": { "partial_rotary_factor": 0.25 } """,
        "'rope_parameters.partial_rotary_factor' is 0.25")]
    [DataRow("llama", """ "rope_parameters": { "full_attention": { "rope_theta": 1e4 } } """,
        "'rope_parameters.full_attention'")]
    [DataRow("llama", """ "tie_word_embeddings": "true" """,
        "'tie_word_embeddings' is \"true\"; it must be true or false")]
    [DataRow("opt", """ "tie_word_embeddings": 1 """, "'tie_word_embeddings' is 1")]
    [DataRow("mistral", """ "sliding_window": 0 """, "sliding window is 0")]
    [DataRow("mistral", """ "sliding_window": 4, "layer_types": ["full_attention"] """, "\"sliding_attention\"")]
    [DataRow("qwen2", """ "use_sliding_window": true, "sliding_window": 8, "layer_types": ["full_attention"] """,
        "'layer_types' is [\"full_attention\"]; it must have for each of 2 layers")]
    [DataRow("qwen3", """ "use_sliding_window": false, "layer_types": ["full_attention", "sliding_attention"] """,
        "'layer_types' holds \"sliding_attention\"")]
    [DataRow("phi3", """ "rope_scaling": { "type": "yarn", "factor": 4 } """, "the rotary scaling is \"yarn\"")]
    [DataRow("phi3", """ "rope_scaling": { "type": "su", "long_factor": [1, 1, 1, 1] } """,
        "'max_position_embeddings'")]
    [DataRow("phi3", """
        "max_position_embeddings": 64, "original_max_position_embeddings": 16, "rope_scaling":
        { "type": "su", "long_factor": [1, 1, 1, 1] }
        """, "'rope_scaling.short_factor'")]
    [DataRow("phi3", """
        "max_position_embeddings": 64, "original_max_position_embeddings": 16, "rope_scaling":
        { "type": "su", "long_factor": [1, 1, 1, 1], "short_factor": [1, 1, 1] }
        """, "3 factors; layer 0 needs 4")]
    [DataRow("phi3", """
        "max_position_embeddings": 64, "original_max_position_embeddings": 16, "rope_scaling":
        { "type": "longrope", "long_factor": [1, 1, 1, 1], "short_factor": [1, 1, 1, 1], "short_mscale": 1.1 }
        """, "'rope_scaling.short_mscale'")]
    [DataRow("phi3", """ "partial_rotary_factor": 1.5 """, "fraction of rotary dimensions is 1.5")]
    [DataRow("phi3", """ "partial_rotary_factor": 0.4 """, "3 dimensions would turn")]
    [DataRow("gemma2", """ "use_bidirectional_attention": true """, "'use_bidirectional_attention' is true")]
    [DataRow("gemma2", """ "attn_logit_softcapping": -1 """, "soft cap of attention scores is -1")]
    [DataRow("gemma2", """ "hidden_activation": "gelu_new2" """, "'hidden_activation' is \"gelu_new2\"")]
    [DataRow("gemma2", """ "layer_types": ["full_attention", "chunked_attention"] """, "\"chunked_attention\"")]
    [DataRow("gpt_neox", """ "rotary_pct": 0.01 """, "0 dimensions would turn")]
    [DataRow("gpt_neox", """ "num_attention_heads": 7 """, "'num_attention_heads' is 7; it must divide")]
    [DataRow("bloom", """ "apply_residual_connection_post_layernorm": true """,
        "'apply_residual_connection_post_layernorm' is true")]
    [DataRow("bloom", """ "n_head": 5 """, "'n_head' is 5; it must divide 'hidden_size' (64)")]
    [DataRow("mpt", """ "no_bias": false """, "'no_bias' is false")]
    [DataRow("mpt", """ "expansion_ratio": 2 """, "'expansion_ratio' is 2; only 4")]
    [DataRow("mpt", """ "norm_type": "rmsnorm" """, "'norm_type' is \"rmsnorm\"")]
    [DataRow("mpt", """ "logit_scale": "inv_sqrt_d_model" """, "'logit_scale'")]
    [DataRow("mpt", """ "attn_config": { "alibi": false } """, "'attn_config.alibi' is false")]
    [DataRow("mpt", """ "attn_config": { "alibi_bias_max": 4 } """, "'attn_config.alibi_bias_max' is 4")]
    [DataRow("mpt", """ "attn_config": { "qk_ln": true } """, "'attn_config.qk_ln' is true")]
    [DataRow("mpt", """ "attn_config": { "prefix_lm": true } """, "'attn_config.prefix_lm' is true")]
    [DataRow("mpt", """ "attn_config": { "attn_type": "multiquery_attention" } """, "\"multiquery_attention\"")]
    [DataRow("mpt", """ "attn_config": { "clip_qkv": 0 } """, "clip of queries, keys and values is 0")]
    [DataRow("gpt2", """ "scale_attn_by_inverse_layer_idx": true """, "'scale_attn_by_inverse_layer_idx' is true")]
    [DataRow("gpt2", """ "scale_attn_weights": false """, "'scale_attn_weights' is false")]
    [DataRow("gpt2", """ "add_cross_attention": true """, "'add_cross_attention' is true")]
    [DataRow("gpt2", """ "n_head": 5 """, "'n_head' is 5; it must divide 'n_embd' (768)")]
    [DataRow("gpt2", """ "n_head": 12, "num_attention_heads": 6 """, "'num_attention_heads', another name of it, is 6")]
    [DataRow("gpt2", """ "n_head": 0 """, "'n_head' is 0")]
    [DataRow("opt", """ "do_layer_norm_before": false """, "'do_layer_norm_before' is false")]
    [DataRow("opt", """ "word_embed_proj_dim": 512 """, "'word_embed_proj_dim' is 512")]
    [DataRow("opt", """ "_remove_final_layer_norm": true """, "'_remove_final_layer_norm' is true")]
    [DataRow("llama", """ "rms_norm_eps": 0 """, "norm epsilon is 0")]
    [DataRow("llama", """ "num_key_value_heads": 3 """, "3 key/value heads")]
    [DataRow("llama", """ "num_attention_heads": 5 """, "'num_attention_heads' is 5")]
    [DataRow("llama", """ "num_hidden_layers": 0 """, "0 layers")]
    [DataRow("llama", """ "hidden_size": "large" """, "'hidden_size' is \"large\"; it must be an integer")]
    [DataRow("llama", """ "vocab_size": null """, "no 'vocab_size'")]
    [DataRow("llama", """ "layer_shapes": [{}] """, "1 entries for 2 layers")]
    [DataRow("llama", """ "layer_shapes": [{}, {}] """, "'layer_shapes[0].num_attention_heads'")]
    [DataRow("llama", """ "eos_token_id": [1, "x"] """, "'eos_token_id'")]
    [DataRow("bert", """ "position_embedding_type": "relative_key" """,
        "'position_embedding_type' is \"relative_key\"")]
    [DataRow("bert", """ "is_decoder": true """, "'is_decoder' is true")]
    [DataRow("bert", """ "pruned_heads": { "0": [1] } """, "'pruned_heads'")]
    [DataRow("bert", """ "architectures": ["BertForTokenClassification"] """, "supported: BertModel, BertForMaskedLM")]
    [DataRow("roberta", """ "architectures": ["BertModel"] """, "supported: RobertaModel")]
    [DataRow("distilbert", """ "activation": "quick_gelu" """, "'activation' is \"quick_gelu\"")]
    [DataRow("bert", """
        "architectures": ["BertForSequenceClassification"], "problem_type": "regression"
        """, "'problem_type' is \"regression\"")]
    [DataRow("bert", """
        "architectures": ["BertForSequenceClassification"], "id2label": { "0": "score" }
        """, "1 labels, which is a regression")]
    [DataRow("bert", """
        "architectures": ["BertForSequenceClassification"], "id2label": { "0": "a", "2": "b" }
        """, "a name for each of \"0\" to \"1\"")]
    [DataRow("bert", """ "pad_token_id": 99 """, "padding token is 99")]
    public void ReadConfig_ValueThatChangesTheMaths_NamesIt(string family, string more, string expected)
    {
        JsonObject config = Least(family);
        foreach ((string key, JsonNode? value) in JsonNode.Parse($"{{{more}}}")!.AsObject())
            config[key] = value?.DeepClone();
        var e = Assert.ThrowsExactly<ModelFormatException>(() => FamilyRegistry.ReadConfig(config));
        StringAssert.Contains(e.Message, expected);
        Assert.IsFalse(e.Message.Contains('\n'));
    }

    [TestMethod]
    [DataRow("llama", """ "partial_rotary_factor": 1.0, "sliding_window": null, "layer_types": null """)]
    [DataRow("llama", """ "rope_scaling": {}, "quantization_config": null, "is_causal": true """)]
    [DataRow("llama", """ "rope_scaling": { "rope_type": "default", "partial_rotary_factor": 1.0 } """)]
    [DataRow("mistral", """ "layer_types": ["sliding_attention", "sliding_attention"], "sliding_window": 4 """)]
    [DataRow("qwen2", """ "use_sliding_window": true, "sliding_window": null, "max_window_layers": 1 """)]
    public void ReadConfig_NeutralValues_AreAccepted(string family, string more)
    {
        JsonObject config = Least(family);
        ModelSpec plain = FamilyRegistry.ReadConfig(config);
        foreach ((string key, JsonNode? value) in JsonNode.Parse($"{{{more}}}")!.AsObject())
            config[key] = value?.DeepClone();
        ModelSpec spec = FamilyRegistry.ReadConfig(config);
        Assert.AreEqual(plain.ToJson(), (spec with { SlidingWindow = plain.SlidingWindow }).ToJson());
    }

    [TestMethod]
    [DataRow("{}", "no 'model_type'")]
    [DataRow("""{ "model_type": "mamba" }""",
        "\"mamba\"; supported: bert, bloom, distilbert, gemma2, gpt2, gpt_neox, llama")]
    [DataRow("""{ "model_type": 3 }""", "'model_type'")]
    [DataRow("[]", "not a JSON object")]
    [DataRow("{", "not valid JSON")]
    public void ReadConfig_NoKnownFamily_SaysWhichThereAre(string json, string expected)
    {
        var e = Assert.ThrowsExactly<ModelFormatException>(
            () => FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(json)));
        StringAssert.Contains(e.Message, expected);
    }

    private static JsonObject Least(string family) => family is "gpt2" or "opt" or "gpt_neox" or "bloom" or "mpt"
        ? new JsonObject { ["model_type"] = family }
        : JsonNode.Parse($$"""
            { "model_type": "{{family}}", "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 8,
              "num_hidden_layers": 2, "num_key_value_heads": 2, "vocab_size": 40 }
            """)!.AsObject();
}
