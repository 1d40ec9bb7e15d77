using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: <see cref="LlamaOracle"/>, from the files alone.</summary>
[TestClass]
public sealed class LlamaFamilyTests
{
    [TestMethod]
    public void Open_HandWrittenFolder_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(Config("""
            "num_key_value_heads": 2, "rope_theta": 5000.0, "pretraining_tp": 1, "attention_dropout": 0.0,
            "torch_dtype": "float32", "tie_word_embeddings": false, "my_own_key": { "kept": [1, null] }
            """));
        LlamaOracle oracle = new LlamaOracle { Folder = folder, Frequency = LlamaOracle.Frequencies(5000) }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void Open_BiasesTiedHeadAndOwnHeadSize_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(Config("""
            "num_key_value_heads": 1, "head_dim": 6, "attention_bias": true, "mlp_bias": true,
            "tie_word_embeddings": true, "rope_scaling": null
            """));
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Layers = [(4, 1, 6, 24), (4, 1, 6, 24)],
            Biased = ["_proj"],
            Tied = true,
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void Open_NoPrefixAndRotaryBuffers_AgreesWithOracle()
    {
        using var folder = new FamilyFolder(Config("\"num_key_value_heads\": 2"));
        folder.Add("layers.0.self_attn.rotary_emb.inv_freq", 0, 1, 2);
        LlamaOracle oracle = new LlamaOracle { Folder = folder }.Write(prefix: "");
        folder.AssertFaithful(tokens => oracle.Logits(tokens, ""), name =>
            name.EndsWith("inv_freq", StringComparison.Ordinal) ? null
            : name == "lm_head.weight" ? name
            : "model." + name);
    }

    [TestMethod]
    [DataRow(""" "rope_theta": 100.0, "rope_scaling": { "type": "linear", "factor": 4.0 } """)]
    [DataRow(""" "rope_theta": 100.0, "rope_scaling": { "rope_type": "linear", "factor": 4 } """)]
    [DataRow(""" "rope_parameters": { "rope_type": "linear", "factor": 4.0, "rope_theta": 100.0 } """)]
    public void Open_LinearScaling_AgreesWithOracle(string rope)
    {
        using var folder = new FamilyFolder(Config($"\"num_key_value_heads\": 2, {rope}"));
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Frequency = (i, d) => Math.Pow(100, -2.0 * i / d) / 4,
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    [DataRow(""" "rope_theta": 10000.0, "rope_scaling": { "type": "llama3", """)]
    [DataRow(""" "rope_theta": 10000.0, "rope_scaling": { "rope_type": "llama3", """)]
    [DataRow(""" "rope_parameters": { "rope_theta": 10000.0, "rope_type": "llama3", """)]
    public void Open_Llama3Scaling_AgreesWithOracle(string rope)
    {
        // Wavelengths 6.3, 63, 628 and 6283 against bounds 25 and 100: kept, blended, divided, divided.
        using var folder = new FamilyFolder(Config($$"""
            "num_key_value_heads": 2, "head_dim": 8,
            {{rope}} "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 100 }
            """));
        LlamaOracle oracle = new LlamaOracle
        {
            Folder = folder,
            Layers = [(4, 2, 8, 24), (4, 2, 8, 24)],
            Frequency = (i, _) =>
            {
                double frequency = Math.Pow(10, -i);
                double smooth = (100 * frequency / (2 * Math.PI) - 1) / (4 - 1);
                return i switch
                {
                    0 => frequency,
                    1 => (1 - smooth) * frequency / 8 + smooth * frequency,
                    _ => frequency / 8,
                };
            },
        }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void Open_LayerShapes_RoundTrips()
    {
        const string shapes = """
            "num_key_value_heads": 2, "layer_shapes": [
            { "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 4, "intermediate_size": 24 },
            { "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 6, "intermediate_size": 7 }]
            """;
        using var folder = new FamilyFolder(Config(shapes));
        LlamaOracle oracle = new LlamaOracle { Folder = folder, Layers = [(4, 2, 4, 24), (3, 1, 6, 7)] }.Write();
        folder.AssertFaithful(oracle.Logits);
    }

    [TestMethod]
    public void Open_TiedHeadThatDiffers_Throws()
    {
        using var folder = new FamilyFolder(Config("\"num_key_value_heads\": 2, \"tie_word_embeddings\": true"));
        new LlamaOracle { Folder = folder }.Write();
        var e = Assert.ThrowsExactly<ModelFormatException>(() => HuggingFaceModel.Open(folder.Model).Dispose());
        StringAssert.Contains(e.Message, "lm_head.weight");
        StringAssert.Contains(e.Message, "tie_word_embeddings");
    }

    [TestMethod]
    [DataRow(true, new string[0], "no tensor 'model.layers.0.self_attn.q_proj.bias'")]
    [DataRow(true, new[] { "q_proj", "k_proj", "v_proj" }, "no tensor 'model.layers.0.self_attn.o_proj.bias'")]
    [DataRow(false, new[] { "q_proj", "k_proj", "v_proj" }, "'model.layers.0.self_attn.k_proj.bias'")]
    public void Open_BiasesThatTheConfigDoesNotSay_NamesOne(bool declared, string[] biased, string expected)
    {
        using var folder = new FamilyFolder(Config(
            $"\"num_key_value_heads\": 2, \"attention_bias\": {(declared ? "true" : "false")}"));
        new LlamaOracle { Folder = folder, Biased = biased }.Write();
        var e = Assert.ThrowsExactly<ModelFormatException>(() => HuggingFaceModel.Open(folder.Model).Dispose());
        StringAssert.Contains(e.Message, expected);
    }

    [TestMethod]
    public void Open_ShardMissing_NamesIt()
    {
        using var folder = new FamilyFolder(Config("\"num_key_value_heads\": 2"));
        new LlamaOracle { Folder = folder }.Write();
        JsonObject map = [];
        using (SafetensorsFile file = SafetensorsFile.Open(folder.WeightFile))
            foreach (string name in file.Tensors.Keys)
                map[name] = $"model-0000{(name.Contains("layers.1") ? 2 : 1)}-of-00002.safetensors";
        File.Move(folder.WeightFile, Path.Combine(folder.Model, "model-00001-of-00002.safetensors"));
        File.WriteAllText(Path.Combine(folder.Model, CheckpointFiles.IndexName),
            new JsonObject { ["weight_map"] = map }.ToJsonString());
        var e = Assert.ThrowsExactly<FileNotFoundException>(() => HuggingFaceModel.Open(folder.Model).Dispose());
        StringAssert.Contains(e.Message, "model-00002-of-00002.safetensors");
    }

    private static string Config(string more) => $$"""
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "bos_token_id": 1, "eos_token_id": 2,
          "hidden_act": "silu", "hidden_size": 16, "initializer_range": 0.02, "intermediate_size": 24,
          "max_position_embeddings": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "rms_norm_eps": 1e-05,
          "use_cache": true, "vocab_size": 29, {{more}}
        }
        """;
}
