using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using ML.Pruning.Pruning;
using static ML.Pruning.Tests.TestKit.PublishedConfigs;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Golden: sizes that the authors of well-known models publish, from their configurations alone.</summary>
[TestClass]
public sealed class PublishedModelsTests
{
    private const string Llama31 = """
        { "model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
          "num_hidden_layers": 32, "num_key_value_heads": 8, "vocab_size": 128256, "rope_theta": 500000.0,
          "max_position_embeddings": 131072, "eos_token_id": [128001, 128008, 128009],
          "rope_scaling": { "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3" } }
        """;

    private const string Qwen2 = """
        { "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_attention_heads": 14,
          "num_hidden_layers": 24, "num_key_value_heads": 2, "tie_word_embeddings": true, "vocab_size": 151936,
          "max_window_layers": 24, "sliding_window": 131072, "use_sliding_window": false }
        """;

    private const string Qwen3 = """
        { "model_type": "qwen3", "head_dim": 128, "hidden_size": 1024, "intermediate_size": 3072,
          "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "tie_word_embeddings": true,
          "max_window_layers": 28, "sliding_window": null, "use_sliding_window": false, "vocab_size": 151936 }
        """;

    private const string Phi3Mini = """
        { "model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192, "num_attention_heads": 32,
          "num_hidden_layers": 32, "num_key_value_heads": 32, "sliding_window": 2047, "vocab_size": 32064,
          "max_position_embeddings": 4096, "original_max_position_embeddings": 4096, "rope_scaling": null }
        """;

    private const string Gemma2 = """
        { "model_type": "gemma2", "head_dim": 256, "hidden_size": 2304, "intermediate_size": 9216,
          "num_attention_heads": 8, "num_hidden_layers": 26, "num_key_value_heads": 4, "query_pre_attn_scalar": 256,
          "sliding_window": 4096, "vocab_size": 256000 }
        """;

    private const string Pythia = """
        { "model_type": "gpt_neox", "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12,
          "num_hidden_layers": 12, "rotary_pct": 0.25, "use_parallel_residual": true, "vocab_size": 50304 }
        """;

    private const string Mpt7B = """
        { "model_type": "mpt", "d_model": 4096, "n_heads": 32, "n_layers": 32, "vocab_size": 50432, "no_bias": true }
        """;

    private const string Bloom560M = """
        { "model_type": "bloom", "hidden_size": 1024, "n_head": 16, "n_layer": 24, "vocab_size": 250880 }
        """;

    private const string MiniLm = """
        { "model_type": "bert", "architectures": ["BertModel"], "hidden_size": 384, "intermediate_size": 1536,
          "num_attention_heads": 12, "num_hidden_layers": 6 }
        """;

    private const string Roberta = """
        { "model_type": "roberta", "architectures": ["RobertaForMaskedLM"], "max_position_embeddings": 514,
          "type_vocab_size": 1, "layer_norm_eps": 1e-5 }
        """;

    [TestMethod]
    [DataRow(Llama7B, 6_738_415_616)]
    [DataRow("""{ "model_type": "gpt2" }""", 124_439_808)]
    [DataRow("""{ "model_type": "opt" }""", 125_239_296)]
    [DataRow(Qwen2, 494_032_768)]
    [DataRow(Mistral7B, 7_241_732_096)]
    [DataRow(Llama31, 8_030_261_248)]
    [DataRow(Qwen3, 596_049_920)]
    [DataRow(Phi3Mini, 3_821_079_552)]
    [DataRow(Gemma2, 2_614_341_888)]
    [DataRow(Pythia, 162_322_944)]
    [DataRow(Mpt7B, 6_649_286_656)]
    [DataRow(Bloom560M, 559_214_592)]
    [DataRow("""{ "model_type": "bert", "architectures": ["BertModel"] }""", 109_482_240)]
    [DataRow("""{ "model_type": "bert", "architectures": ["BertForMaskedLM"] }""", 109_514_298)]
    [DataRow("""{ "model_type": "bert", "architectures": ["BertForSequenceClassification"] }""", 109_483_778)]
    [DataRow(MiniLm, 22_713_216)]
    [DataRow("""{ "model_type": "distilbert" }""", 66_362_880)]
    [DataRow("""{ "model_type": "distilbert", "architectures": ["DistilBertForMaskedLM"] }""", 66_985_530)]
    [DataRow(
        """{ "model_type": "distilbert", "architectures": ["DistilBertForSequenceClassification"] }""", 66_955_010)]
    [DataRow(Roberta, 124_697_433)]
    public void ParameterCount_PublishedModel_IsThePublishedOne(string config, long parameters)
    {
        ModelSpec spec = Spec(config);
        Assert.AreEqual(parameters, spec.ParameterCount);
        Assert.AreEqual(parameters, new Magnitude().Plan(spec).Before.ParameterCount);
    }

    [TestMethod]
    public void MultiplyAccumulates_Llama7B_IsThePublishedOne() =>
        Assert.AreEqual(424.02, Spec(Llama7B).MultiplyAccumulates(64) / 1e9, 0.005);

    private static ModelSpec Spec(string config) => FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(config));
}
