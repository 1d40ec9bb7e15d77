using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: OPT in float64 from its own files; position t reads row t + 2.</summary>
[TestClass]
public sealed class OptFamilyTests
{
    private const int Hidden = 16, Heads = 4, Vocabulary = 31, Context = 20, Inner = 40;

    [TestMethod]
    [DataRow("model.decoder.", false, true)]
    [DataRow("decoder.", false, true)]
    [DataRow("model.decoder.", true, true)]
    [DataRow("decoder.", true, false)]
    public void Open_HandWrittenFolder_AgreesWithOracle(string prefix, bool storesTiedHead, bool biases)
    {
        using var folder = new FamilyFolder(Config(biases));
        Fill(folder, prefix, storesTiedHead, biases);
        folder.AssertFaithful(tokens => Logits(folder, prefix, tokens), name =>
            name == "lm_head.weight" ? null : "model.decoder." + name[prefix.Length..]);
    }

    [TestMethod]
    public void ReadConfig_KeysLeftOut_TakesTheFamilysDefaults()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(new JsonObject { ["model_type"] = "opt" });
        Assert.AreEqual((50272, 768, 2048, 12, 1e-5, ActivationKind.Relu, true, 2), (spec.VocabularySize,
            spec.HiddenSize, spec.ContextLength, spec.Layers.Count, spec.NormEpsilon, spec.Activation, spec.TiedHead,
            spec.PositionOffset));
        Assert.AreEqual((12, 64, 3072), (spec.Layers[0].Heads, spec.Layers[0].HeadSize, spec.Layers[0].MlpWidth));
        Assert.AreEqual(2, spec.BosTokenId);
    }

    private static string Config(bool biases) => $$"""
        {
          "_name_or_path": "x", "activation_dropout": 0.0, "activation_function": "relu", "do_layer_norm_before": true,
          "architectures": ["OPTForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 2, "dropout": 0.1,
          "enable_bias": {{(biases ? "true" : "false")}}, "eos_token_id": 2, "ffn_dim": 40, "hidden_size": 16,
          "init_std": 0.02, "layerdrop": 0.0, "layer_norm_elementwise_affine": true, "max_position_embeddings": 20,
          "model_type": "opt", "num_attention_heads": 4, "num_hidden_layers": 2, "pad_token_id": 1, "prefix": "</s>",
          "_remove_final_layer_norm": false, "torch_dtype": "float16", "vocab_size": 31, "word_embed_proj_dim": 16
        }
        """;

    private static void Fill(FamilyFolder folder, string prefix, bool storesTiedHead, bool biases)
    {
        folder.Add(prefix + "embed_tokens.weight", 0, 1, Vocabulary, Hidden)
            .Add(prefix + "embed_positions.weight", 0, 0.5, Context + 2, Hidden);
        if (storesTiedHead)
        {
            folder.Add("lm_head.weight",
                Array.ConvertAll(folder.Values(prefix + "embed_tokens.weight"), v => (float)v), Vocabulary, Hidden);
        }

        for (int n = 0; n < 2; n++)
        {
            string layer = $"{prefix}layers.{n}.";
            foreach (string norm in (string[])["self_attn_layer_norm", "final_layer_norm"])
                folder.Gain($"{layer}{norm}.weight", Hidden).Bias($"{layer}{norm}.bias", Hidden);
            foreach (string part in (string[])["q_proj", "k_proj", "v_proj", "out_proj"])
                Linear($"{layer}self_attn.{part}", Hidden, Hidden);
            Linear(layer + "fc1", Inner, Hidden);
            Linear(layer + "fc2", Hidden, Inner);
        }

        folder.Gain(prefix + "final_layer_norm.weight", Hidden).Bias(prefix + "final_layer_norm.bias", Hidden).Write();

        void Linear(string name, int rows, int columns)
        {
            folder.Matrix(name + ".weight", rows, columns, columns);
            if (biases) folder.Bias(name + ".bias", rows);
        }
    }

    private static double[][] Logits(FamilyFolder folder, string prefix, int[] tokens)
    {
        double[] Get(string name) => folder.Values(prefix + name);
        double[][] Norm(double[][] x, string name) =>
            [.. x.Select(h => LayerNorm(h, Get(name + ".weight"), Get(name + ".bias"), 1e-5))];
        double[] Map(double[] x, string name) => Linear(
            Get(name + ".weight"), x, folder.Has($"{prefix}{name}.bias") ? Get(name + ".bias") : null);
        double[][] x = [.. tokens.Select((token, t) =>
            Add(Row(Get("embed_tokens.weight"), token, Hidden), Row(Get("embed_positions.weight"), t + 2, Hidden)))];
        for (int n = 0; n < 2; n++)
        {
            double[][] normed = Norm(x, $"layers.{n}.self_attn_layer_norm");
            double[][] Part(string part) => [.. normed.Select(h => Map(h, $"layers.{n}.self_attn.{part}"))];
            double[][] mixed = Attend(Part("q_proj"), Part("k_proj"), Part("v_proj"), Heads, Heads);
            x = [.. x.Zip(mixed, (h, m) => Add(h, Map(m, $"layers.{n}.self_attn.out_proj")))];
            double[][] inputs = Norm(x, $"layers.{n}.final_layer_norm");
            x = [.. x.Zip(inputs, (h, m) => Add(h, Map(
                [.. Map(m, $"layers.{n}.fc1").Select(v => Math.Max(v, 0))], $"layers.{n}.fc2")))];
        }

        return [.. Norm(x, "final_layer_norm").Select(h => Linear(Get("embed_tokens.weight"), h))];
    }
}
