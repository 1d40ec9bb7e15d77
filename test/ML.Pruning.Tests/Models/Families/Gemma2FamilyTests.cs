using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: Gemma 2 in float64 from its own files; gains are 1 + w, layers 0 and 2 have the window.</summary>
[TestClass]
public sealed class Gemma2FamilyTests
{
    private const int Hidden = 16, Heads = 4, Groups = 2, Size = 6, Inner = 24, Vocabulary = 31, Layers = 3, Window = 4;

    [TestMethod]
    [DataRow("", true)]
    [DataRow("""
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        """, true)]
    [DataRow("""
        "use_bidirectional_attention": false,
        """, false)]
    public void Open_HandWrittenFolder_AgreesWithOracle(string more, bool capped)
    {
        using var folder = new FamilyFolder($$"""
            {
              "architectures": ["Gemma2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
              "attn_logit_softcapping": {{(capped ? "1.5" : "null")}}, "bos_token_id": 2,
              "cache_implementation": "hybrid", "eos_token_id": 1,
              "final_logit_softcapping": {{(capped ? "2.0" : "null")}}, "head_dim": 6, {{more}}
              "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 16,
              "initializer_range": 0.02, "intermediate_size": 24, "max_position_embeddings": 64, "model_type": "gemma2",
              "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2, "pad_token_id": 0,
              "query_pre_attn_scalar": 9, "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4,
              "torch_dtype": "float32", "use_cache": true, "vocab_size": 31
            }
            """);
        Fill(folder);
        folder.AssertFaithful(tokens => Logits(folder, tokens, capped));
    }

    [TestMethod]
    public void ReadConfig_KeysLeftOut_TakesTheFamilysDefaults()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig("""
            { "model_type": "gemma2", "hidden_size": 64, "intermediate_size": 8, "num_attention_heads": 4,
              "num_hidden_layers": 2, "vocab_size": 20 }
            """));
        Assert.AreEqual((256, 4, 8192, true, 50.0, 30.0, 8.0, 1 / 16.0), (spec.Layers[0].HeadSize,
            spec.Layers[0].KeyValueHeads, spec.ContextLength, spec.TiedHead, spec.AttentionSoftCap, spec.LogitSoftCap,
            spec.EmbeddingScale, spec.AttentionScale));
        Assert.AreEqual((4096, null), (spec.Window(0), spec.Window(1)));
        Assert.AreEqual(ActivationKind.GeluTanh, spec.Activation);
    }

    [TestMethod]
    public void WriteConfig_SmallerHiddenSize_KeepsTheScaleOfTheEmbeddings()
    {
        const string text = """
            { "model_type": "gemma2", "hidden_size": 64, "intermediate_size": 8, "num_attention_heads": 4,
              "num_hidden_layers": 2, "vocab_size": 20 }
            """;
        JsonObject config = FamilyRegistry.ParseConfig(text);
        ModelSpec smaller = FamilyRegistry.ReadConfig(config) with { HiddenSize = 48 };
        FamilyRegistry.Get("gemma2").WriteConfig(smaller, config);
        Assert.AreEqual(smaller.ToJson(), FamilyRegistry.ReadConfig(config).ToJson());
    }

    private static void Fill(FamilyFolder folder)
    {
        folder.Add("model.embed_tokens.weight", 0, 0.3, Vocabulary, Hidden);
        for (int n = 0; n < Layers; n++)
        {
            string layer = $"model.layers.{n}.";
            foreach (string norm in (string[])["input_layernorm", "post_attention_layernorm",
                "pre_feedforward_layernorm", "post_feedforward_layernorm"])
                folder.Add($"{layer}{norm}.weight", 0, 0.3, Hidden);
            folder.Matrix(layer + "self_attn.q_proj.weight", Heads * Size, Hidden, Hidden)
                .Matrix(layer + "self_attn.k_proj.weight", Groups * Size, Hidden, Hidden)
                .Matrix(layer + "self_attn.v_proj.weight", Groups * Size, Hidden, Hidden)
                .Matrix(layer + "self_attn.o_proj.weight", Hidden, Heads * Size, Heads * Size)
                .Matrix(layer + "mlp.gate_proj.weight", Inner, Hidden, Hidden)
                .Matrix(layer + "mlp.up_proj.weight", Inner, Hidden, Hidden)
                .Matrix(layer + "mlp.down_proj.weight", Hidden, Inner, Inner);
        }

        folder.Add("model.norm.weight", 0, 0.3, Hidden).Write();
    }

    private static double[][] Logits(FamilyFolder folder, int[] tokens, bool capped)
    {
        double[] Get(string name) => folder.Values("model." + name + ".weight");
        double[] Norm(double[] x, string name) => RmsNorm(x, [.. Get(name).Select(w => 1 + w)], 1e-6);
        double[] Turn(double[] heads, int t) => Rotate(heads, t, Size, Size, i => Math.Pow(10000, -2.0 * i / Size));
        double Cap(double s, double cap) => capped ? cap * Math.Tanh(s / cap) : s;
        double[][] x = [.. tokens.Select(
            token => Row(Get("embed_tokens"), token, Hidden).Select(v => v * Math.Sqrt(Hidden)).ToArray())];
        for (int n = 0; n < Layers; n++)
        {
            string layer = $"layers.{n}.";
            double[][] normed = [.. x.Select(h => Norm(h, layer + "input_layernorm"))];
            double[][] Part(string part) => [.. normed.Select(h => Linear(Get($"{layer}self_attn.{part}_proj"), h))];
            double[][] mixed = Attend(
                [.. Part("q").Select(Turn)], [.. Part("k").Select(Turn)], Part("v"), Heads, Groups,
                n % 2 == 0 ? Window : null, 1 / Math.Sqrt(9), (_, _, s) => Cap(s, 1.5));
            x = [.. x.Zip(mixed, (h, m) => Add(
                h, Norm(Linear(Get(layer + "self_attn.o_proj"), m), layer + "post_attention_layernorm")))];
            x = [.. x.Select(h =>
            {
                double[] input = Norm(h, layer + "pre_feedforward_layernorm");
                double[] gate = Linear(Get(layer + "mlp.gate_proj"), input);
                double[] up = Linear(Get(layer + "mlp.up_proj"), input);
                double[] down = Linear(Get(layer + "mlp.down_proj"), [.. gate.Zip(up, (g, u) => GeluTanh(g) * u)]);
                return Add(h, Norm(down, layer + "post_feedforward_layernorm"));
            })];
        }

        return [.. x.Select(h => Linear(Get("embed_tokens"), Norm(h, "norm")).Select(v => Cap(v, 2)).ToArray())];
    }
}
