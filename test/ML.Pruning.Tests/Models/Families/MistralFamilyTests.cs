using ML.Pruning.Models;
using ML.Pruning.Models.Families;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: <see cref="LlamaOracle"/> with a window, from the files alone.</summary>
[TestClass]
public sealed class MistralFamilyTests
{
    [TestMethod]
    [DataRow("3", 3)]
    [DataRow("1", 1)]
    [DataRow("null", null)]
    public void Open_HandWrittenFolder_AgreesWithOracle(string window, int? keys)
    {
        using var folder = new FamilyFolder(Config($"\"head_dim\": 6, \"sliding_window\": {window}"));
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Layers = [(4, 2, 6, 24), (4, 2, 6, 24)],
            Window = keys,
            Frequency = LlamaOracle.Frequencies(1e6),
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void ReadConfig_KeysLeftOut_TakesTheFamilysDefaults()
    {
        const string least = """
            { "model_type": "mistral", "hidden_size": 64, "intermediate_size": 8, "num_attention_heads": 16,
              "num_hidden_layers": 1, "vocab_size": 20 }
            """;
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(least));
        Assert.AreEqual((8, 4096, 131072, 10000, 1e-6),
            (spec.Layers[0].KeyValueHeads, spec.SlidingWindow, spec.ContextLength, spec.RopeTheta, spec.NormEpsilon));
        Assert.AreEqual(1, spec.BosTokenId);
        CollectionAssert.AreEqual(new[] { 2 }, spec.EosTokenIds.ToArray());
        Assert.AreEqual(16, FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(
            least.Replace("20 }", "20, \"num_key_value_heads\": null }"))).Layers[0].KeyValueHeads);
    }

    private static string Config(string more) => $$"""
        {
          "architectures": ["MistralForCausalLM"], "model_type": "mistral", "bos_token_id": 1, "eos_token_id": 2,
          "hidden_act": "silu", "hidden_size": 16, "initializer_range": 0.02, "intermediate_size": 24,
          "max_position_embeddings": 32768, "num_attention_heads": 4, "num_hidden_layers": 2, "num_key_value_heads": 2,
          "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
          "transformers_version": "4.42.0", "use_cache": true, "vocab_size": 29, {{more}}
        }
        """;
}
