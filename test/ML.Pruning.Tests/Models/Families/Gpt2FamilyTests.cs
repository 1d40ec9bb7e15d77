using System.Text.Json.Nodes;
using ML.Pruning.Checkpoints;
using ML.Pruning.Export;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: GPT-2 in float64 from its own files, with weights stored [in, out] and queries, keys and values in
/// one matrix.</summary>
[TestClass]
public sealed class Gpt2FamilyTests
{
    private const int Hidden = 16, Heads = 4, Vocabulary = 31, Context = 20, Inner = 64;

    [TestMethod]
    [DataRow("transformer.", "gelu_new")]
    [DataRow("", "gelu_new")]
    [DataRow("transformer.", "gelu")]
    [DataRow("transformer.", "relu")]
    public void Open_HandWrittenFolder_AgreesWithOracle(string prefix, string activation)
    {
        using var folder = new FamilyFolder(Config(activation, "\"n_inner\": null"));
        Fill(folder, prefix, Heads * 4);
        folder.AssertFaithful(tokens => Logits(folder, prefix, activation, tokens), name => Saved(name, prefix));
    }

    [TestMethod]
    public void Open_OwnHeadAndOtherKeyNames_AgreesWithOracle()
    {
        string config = Config("gelu_new", "\"tie_word_embeddings\": false")
            .Replace("\"n_head\"", "\"num_attention_heads\"");
        using var folder = new FamilyFolder(config);
        folder.Matrix("lm_head.weight", Vocabulary, Hidden, Hidden);
        Fill(folder, "transformer.", Heads * 4);
        using LanguageModel model = HuggingFaceModel.Open(folder.Model);
        int[] tokens = [3, 1, 30, 7, 7, 0];
        double[][] expected = Logits(folder, "transformer.", "gelu_new", tokens, head: "lm_head.weight");
        FamilyFolder.AssertClose(expected, FamilyFolder.Logits(model, tokens));
        HuggingFaceModel.Save(model, folder["saved"]);
        JsonObject saved = HuggingFaceFolder.ReadConfig(Path.Combine(folder["saved"], "config.json"));
        Assert.AreEqual(Heads, (int)saved["n_head"]!);
        Assert.IsFalse(saved.ContainsKey("num_attention_heads"));
    }

    [TestMethod]
    public void Open_FewerHeadsThanTheHiddenSizeHolds_DeclaresLayerShapes()
    {
        // Three heads of 4 in a hidden size of 16: n_head cannot say that, layer_shapes can.
        const string shape =
            """{ "num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": 4, "intermediate_size": 64 }""";
        using var folder = new FamilyFolder(Config(
            "gelu_new", $"\"layer_shapes\": [{shape}, {shape}]").Replace("\"n_head\": 4", "\"n_head\": 3"));
        Fill(folder, "transformer.", 12);
        folder.AssertFaithful(tokens => Logits(folder, "transformer.", "gelu_new", tokens, heads: 3),
            name => Saved(name, "transformer."));
    }

    [TestMethod]
    public void WriteConfig_UniformModelOfFewerHeads_ReadsAsWritten()
    {
        foreach (string family in (string[])["gpt2", "opt"])
        {
            ModelSpec dense = FamilyRegistry.ReadConfig(new JsonObject { ["model_type"] = family });
            LayerSpec layer = dense.Layers[0] with { Heads = 7, KeyValueHeads = 7 };
            ModelSpec pruned = dense with { Layers = [.. Enumerable.Repeat(layer, 12)] };
            var config = new JsonObject { ["model_type"] = family };
            FamilyRegistry.Get(family).WriteConfig(pruned, config);
            Assert.HasCount(12, config["layer_shapes"]!.AsArray());
            ModelSpec read = FamilyRegistry.ReadConfig(FamilyRegistry.ParseConfig(config.ToJsonString()));
            CollectionAssert.AreEqual(pruned.Layers.ToArray(), read.Layers.ToArray());
            FamilyRegistry.Get(family).WriteConfig(dense, config);
            Assert.IsFalse(config.ContainsKey("layer_shapes"));
        }
    }

    [TestMethod]
    public void ReadConfig_KeysLeftOut_TakesTheFamilysDefaults()
    {
        ModelSpec spec = FamilyRegistry.ReadConfig(new JsonObject { ["model_type"] = "gpt2" });
        Assert.AreEqual((50257, 768, 1024, 12, 1e-5, ActivationKind.GeluTanh, true), (spec.VocabularySize,
            spec.HiddenSize, spec.ContextLength, spec.Layers.Count, spec.NormEpsilon, spec.Activation, spec.TiedHead));
        Assert.AreEqual((12, 64, 3072), (spec.Layers[0].Heads, spec.Layers[0].HeadSize, spec.Layers[0].MlpWidth));
        Assert.AreEqual(50256, spec.BosTokenId);
        CollectionAssert.AreEqual(new[] { 50256 }, spec.EosTokenIds.ToArray());
    }

    private static string Config(string activation, string more) => $$"""
        {
          "activation_function": "{{activation}}", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
          "bos_token_id": 30, "embd_pdrop": 0.1, "eos_token_id": 30, "initializer_range": 0.02,
          "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 20, "n_embd": 16, "n_head": 4, "n_layer": 2,
          "n_positions": 20, "resid_pdrop": 0.1, "summary_activation": null, "summary_type": "cls_index",
          "task_specific_params": { "text-generation": { "do_sample": true, "max_length": 50 } }, "vocab_size": 31,
          {{more}}
        }
        """;

    private static void Fill(FamilyFolder folder, string prefix, int width)
    {
        folder.Add(prefix + "wte.weight", 0, 1, Vocabulary, Hidden).Add(prefix + "wpe.weight", 0, 0.5, Context, Hidden);
        for (int n = 0; n < 2; n++)
        {
            string layer = $"{prefix}h.{n}.";
            folder.Add(layer + "attn.bias", [.. Enumerable.Repeat(1f, Context * Context)], 1, 1, Context, Context);
            folder.Gain(layer + "ln_1.weight", Hidden).Bias(layer + "ln_1.bias", Hidden)
                .Gain(layer + "ln_2.weight", Hidden).Bias(layer + "ln_2.bias", Hidden)
                .Matrix(layer + "attn.c_attn.weight", Hidden, 3 * width, Hidden)
                .Bias(layer + "attn.c_attn.bias", 3 * width)
                .Matrix(layer + "attn.c_proj.weight", width, Hidden, width).Bias(layer + "attn.c_proj.bias", Hidden)
                .Matrix(layer + "mlp.c_fc.weight", Hidden, Inner, Hidden).Bias(layer + "mlp.c_fc.bias", Inner)
                .Matrix(layer + "mlp.c_proj.weight", Inner, Hidden, Inner).Bias(layer + "mlp.c_proj.bias", Hidden);
        }

        folder.Gain(prefix + "ln_f.weight", Hidden).Bias(prefix + "ln_f.bias", Hidden).Write();
    }

    // The prefix of new checkpoints is added, the masks of old ones go.
    private static string? Saved(string name, string prefix) =>
        name.EndsWith(".attn.bias", StringComparison.Ordinal) ? null : "transformer." + name[prefix.Length..];

    private static double[][] Logits(FamilyFolder folder, string prefix, string activation, int[] tokens,
        int heads = Heads, string? head = null)
    {
        double[] Get(string name) => folder.Values(prefix + name);
        double[][] Norm(double[][] x, string name) =>
            [.. x.Select(h => LayerNorm(h, Get(name + ".weight"), Get(name + ".bias"), 1e-5))];
        double[] Conv(double[] x, string name) => Conv1D(Get(name + ".weight"), x, Get(name + ".bias"));
        double[][] x = [.. tokens.Select((token, t) =>
            Add(Row(Get("wte.weight"), token, Hidden), Row(Get("wpe.weight"), t, Hidden)))];
        for (int n = 0; n < 2; n++)
        {
            double[][] fused = [.. Norm(x, $"h.{n}.ln_1").Select(h => Conv(h, $"h.{n}.attn.c_attn"))];
            double[][] Third(int i) => [.. fused.Select(f => f[(i * f.Length / 3)..((i + 1) * f.Length / 3)])];
            double[][] mixed = Attend(Third(0), Third(1), Third(2), heads, heads);
            x = [.. x.Zip(mixed, (h, m) => Add(h, Conv(m, $"h.{n}.attn.c_proj")))];
            double[][] inputs = Norm(x, $"h.{n}.ln_2");
            x = [.. x.Zip(inputs, (h, m) => Add(h, Conv(
                [.. Conv(m, $"h.{n}.mlp.c_fc").Select(v => Activate(activation, v))], $"h.{n}.mlp.c_proj")))];
        }

        double[] table = head is null ? Get("wte.weight") : folder.Values(head);
        return [.. Norm(x, "ln_f").Select(h => Linear(table, h))];
    }

    // x W + b, W [in, out].
    private static double[] Conv1D(double[] weight, double[] x, double[] bias) => [.. bias.Select((b, o) =>
        b + x.Select((v, i) => v * weight[i * bias.Length + o]).Sum())];

    private static double Activate(string name, double x) => name switch
    {
        "gelu_new" => GeluTanh(x),
        "gelu" => Gelu(x),
        _ => Math.Max(x, 0),
    };
}
