namespace ML.Pruning.Tests.TestKit;

/// <summary>What config.json says of the shapes of well-known models.</summary>
internal static class PublishedConfigs
{
    /// <summary>32 heads without groups.</summary>
    public const string Llama7B = """
        { "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
          "num_hidden_layers": 32, "vocab_size": 32000, "rms_norm_eps": 1e-6 }
        """;

    /// <summary>LLaMA-3-8B: 8 key/value heads for 32.</summary>
    public const string Llama3 = """
        { "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
          "num_hidden_layers": 32, "num_key_value_heads": 8, "vocab_size": 128256, "rope_theta": 500000.0 }
        """;

    /// <summary>8 key/value heads for 32, a sliding window.</summary>
    public const string Mistral7B = """
        { "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
          "num_hidden_layers": 32, "num_key_value_heads": 8, "vocab_size": 32000, "sliding_window": 4096 }
        """;

    /// <summary>Qwen2-7B: 4 key/value heads for 28, biases on query, key and value.</summary>
    public const string Qwen27B = """
        { "model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28,
          "num_hidden_layers": 28, "num_key_value_heads": 4, "vocab_size": 152064, "rope_theta": 1000000.0 }
        """;
}
