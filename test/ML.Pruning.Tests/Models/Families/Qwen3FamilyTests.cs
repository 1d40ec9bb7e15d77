using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: <see cref="LlamaOracle"/> with norms of query and key heads, from the files alone.</summary>
[TestClass]
public sealed class Qwen3FamilyTests
{
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void Open_HandWrittenFolder_AgreesWithOracle(bool tied)
    {
        using var folder = new FamilyFolder($$"""
            {
              "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
              "bos_token_id": 1, "eos_token_id": 2, "head_dim": 6, "hidden_act": "silu", "hidden_size": 16,
              "intermediate_size": 24, "max_position_embeddings": 1024, "max_window_layers": 2, "model_type": "qwen3",
              "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-06,
              "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null, "torch_dtype": "bfloat16",
              "tie_word_embeddings": {{(tied ? "true" : "false")}}, "use_sliding_window": false, "vocab_size": 29
            }
            """);
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Layers = [(4, 2, 6, 24), (4, 2, 6, 24)],
            Epsilon = 1e-6,
            Frequency = LlamaOracle.Frequencies(1e6),
            Tied = tied,
            HeadNorms = true,
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void ReadConfig_KeysLeftOut_TakesTheFamilysDefaults()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig("""
            { "model_type": "qwen3", "hidden_size": 64, "intermediate_size": 8, "num_attention_heads": 3,
              "num_key_value_heads": 1, "num_hidden_layers": 1, "vocab_size": 20 }
            """));
        Assert.AreEqual((128, 32768, false, 1e-6, true),
            (spec.Layers[0].HeadSize, spec.ContextLength, spec.TiedHead, spec.NormEpsilon, spec.QueryKeyNorm));
    }
}
