using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: <see cref="LlamaOracle"/> with biases on queries, keys and values, from the files alone.</summary>
[TestClass]
public sealed class Qwen2FamilyTests
{
    [TestMethod]
    [DataRow(true, """ "use_sliding_window": false, "sliding_window": 2, "max_window_layers": 1 """)]
    [DataRow(false, """ "use_sliding_window": true, "sliding_window": 2, "max_window_layers": 2 """)]
    [DataRow(true, """ "layer_types": ["full_attention", "full_attention"], "use_mrope": false """)]
    public void Open_HandWrittenFolder_AgreesWithOracle(bool tied, string more)
    {
        using var folder = new FamilyFolder(Config($"\"tie_word_embeddings\": {(tied ? "true" : "false")}, {more}"));
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Epsilon = 1e-6,
            Biased = ["q_proj", "k_proj", "v_proj"],
            Frequency = LlamaOracle.Frequencies(1e6),
            Tied = tied,
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    [DataRow("""
        "use_sliding_window": true, "sliding_window": 3, "max_window_layers": 1
        """)]
    [DataRow("""
        "use_sliding_window": true, "sliding_window": 3, "layer_types": ["full_attention", "sliding_attention"]
        """)]
    public void Open_WindowFromTheSecondLayerOn_AgreesWithOracle(string more)
    {
        using var folder = new FamilyFolder(Config(more));
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Epsilon = 1e-6,
            Biased = ["q_proj", "k_proj", "v_proj"],
            Frequency = LlamaOracle.Frequencies(1e6),
            Window = 3,
            FirstWindowed = 1,
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void ReadConfig_KeysLeftOut_TakesTheFamilysDefaults()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig("""
            { "model_type": "qwen2", "hidden_size": 64, "intermediate_size": 8, "num_attention_heads": 32,
              "num_hidden_layers": 1, "vocab_size": 20 }
            """));
        Assert.AreEqual((32, null, 32768, 10000, 1e-6, false),
            (spec.Layers[0].KeyValueHeads, spec.SlidingWindow, spec.ContextLength, spec.RopeTheta, spec.NormEpsilon,
                spec.TiedHead));
        Assert.IsNull(spec.BosTokenId);
        Assert.IsEmpty(spec.EosTokenIds);
    }

    private static string Config(string more) => $$"""
        {
          "architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "bos_token_id": 1, "eos_token_id": 2,
          "hidden_act": "silu", "hidden_size": 16, "initializer_range": 0.02, "intermediate_size": 24,
          "max_position_embeddings": 1024, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
          "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "torch_dtype": "bfloat16", "use_cache": true,
          "vocab_size": 29, {{more}}
        }
        """;
}
