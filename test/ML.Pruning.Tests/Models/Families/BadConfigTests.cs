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
    [DataRow("qwen2", """ "use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1 """,
        "'use_sliding_window' is true from layer 1")]
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
    [DataRow("""{ "model_type": "mamba" }""", "\"mamba\"; supported: gpt2, llama, mistral, opt, qwen2")]
    [DataRow("""{ "model_type": 3 }""", "'model_type'")]
    [DataRow("[]", "not a JSON object")]
    [DataRow("{", "not valid JSON")]
    public void ReadConfig_NoKnownFamily_SaysWhichThereAre(string json, string expected)
    {
        var e = Assert.ThrowsExactly<ModelFormatException>(
            () => FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(json)));
        StringAssert.Contains(e.Message, expected);
    }

    private static JsonObject Least(string family) => family is "gpt2" or "opt"
        ? new JsonObject { ["model_type"] = family }
        : JsonNode.Parse($$"""
            { "model_type": "{{family}}", "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 8,
              "num_hidden_layers": 2, "num_key_value_heads": 2, "vocab_size": 40 }
            """)!.AsObject();
}
