using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Tests.TestKit;

/// <summary>A small config.json of every family, with what is special in the family switched on: hidden size 16, two to
/// four layers, vocabulary 40, context 64.</summary>
internal static class FamilyConfigs
{
    /// <summary>Configurations by a name that starts with the family.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = new Dictionary<string, string>
    {
        ["llama"] = Llama("llama", """ "num_key_value_heads": 2 """),
        ["mistral"] = Llama("mistral", """ "num_key_value_heads": 2, "sliding_window": 5 """),
        ["qwen2"] = Llama("qwen2",
            """ "num_key_value_heads": 2, "use_sliding_window": true, "sliding_window": 6, "max_window_layers": 1 """),
        ["qwen3"] = Llama("qwen3", """ "num_key_value_heads": 2, "head_dim": 6, "tie_word_embeddings": true """),
        ["phi3"] = Llama("phi3", """
            "num_key_value_heads": 2, "head_dim": 8, "partial_rotary_factor": 0.5,
            "original_max_position_embeddings": 10,
            "rope_scaling": { "type": "longrope", "short_factor": [1, 1.5], "long_factor": [2, 7] }
            """),
        ["gemma2"] = Llama("gemma2", """
            "num_key_value_heads": 2, "head_dim": 6, "query_pre_attn_scalar": 9, "sliding_window": 4,
            "attn_logit_softcapping": 2.0, "final_logit_softcapping": 3.0
            """, layers: 4),
        ["gpt2"] = """
            { "model_type": "gpt2", "n_embd": 16, "n_head": 4, "n_layer": 2, "n_positions": 64, "vocab_size": 40 }
            """,
        ["opt"] = """
            { "model_type": "opt", "hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2,
              "ffn_dim": 24, "max_position_embeddings": 64, "vocab_size": 40 }
            """,
        ["gpt_neox"] = NeoX(parallel: true),
        ["gpt_neox, sequential"] = NeoX(parallel: false),
        ["mpt"] = """
            { "model_type": "mpt", "d_model": 16, "n_heads": 4, "n_layers": 2, "max_seq_len": 64, "vocab_size": 40,
              "attn_config": { "clip_qkv": 1.5 } }
            """,
        ["bloom"] = """
            { "model_type": "bloom", "hidden_size": 16, "n_head": 4, "n_layer": 2, "seq_length": 64, "vocab_size": 40 }
            """,
    };

    /// <summary>The same of the encoders, each with another head: hidden size 16, two layers, vocabulary 40, context
    /// 64.</summary>
    public static IReadOnlyDictionary<string, string> Encoders { get; } = new Dictionary<string, string>
    {
        ["bert"] = Encoder("bert", "BertForSequenceClassification"),
        ["bert, masked"] = Encoder("bert", "BertForMaskedLM"),
        ["roberta"] = Encoder("roberta", "RobertaForMaskedLM").Replace(": 64", ": 66", StringComparison.Ordinal),
        ["distilbert"] = """
            { "model_type": "distilbert", "architectures": ["DistilBertForSequenceClassification"], "dim": 16,
              "n_heads": 4, "n_layers": 2, "hidden_dim": 24, "vocab_size": 40, "max_position_embeddings": 64 }
            """,
    };

    /// <summary>The names of all, encoders included.</summary>
    public static IEnumerable<object[]> NamesWithEncoders =>
        All.Keys.Concat(Encoders.Keys).Select(name => new object[] { name });

    /// <summary>The names of the decoders, as test data.</summary>
    public static IEnumerable<object[]> Names => All.Keys.Select(name => new object[] { name });

    /// <summary>The spec of a configuration.</summary>
    public static ModelSpec Spec(string name) => FamilyRegistry.ReadConfig(Config(name));

    /// <summary>The configuration, to change.</summary>
    public static JsonObject Config(string name) => FamilyRegistry.ParseConfig(Json(name));

    /// <summary>A model with random weights and this configuration, or one of another shape.</summary>
    public static LanguageModel Create(string name, ModelSpec? spec = null, int seed = 1)
    {
        using LanguageModel random = RandomModel.Create(spec ?? Spec(name), seed);
        return new LanguageModel(random.ToContent() with { ConfigJson = Json(name) });
    }

    private static string Json(string name) => All.GetValueOrDefault(name) ?? Encoders[name];

    private static string Encoder(string family, string architecture) => $$"""
        { "model_type": "{{family}}", "architectures": ["{{architecture}}"], "hidden_size": 16,
          "intermediate_size": 24, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 40,
          "max_position_embeddings": 64 }
        """;

    private static string Llama(string family, string more, int layers = 2) => $$"""
        { "model_type": "{{family}}", "hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 4,
          "num_hidden_layers": {{layers}}, "vocab_size": 40, "max_position_embeddings": 64, {{more}} }
        """;

    private static string NeoX(bool parallel) => $$"""
        { "model_type": "gpt_neox", "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2,
          "intermediate_size": 24, "max_position_embeddings": 64, "vocab_size": 40, "rotary_pct": 0.5,
          "use_parallel_residual": {{(parallel ? "true" : "false")}} }
        """;
}
