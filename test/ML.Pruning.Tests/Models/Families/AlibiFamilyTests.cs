using System.Text.Json.Nodes;
using ML.Pruning.Models;
using ML.Pruning.Models.Families;
using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracles: BLOOM and MPT in float64 from their own files; scores fall with the distance by the slopes of the
/// ALiBi paper.</summary>
[TestClass]
public sealed class AlibiFamilyTests
{
    private const int Size = 6, Vocabulary = 31;

    [TestMethod]
    [DataRow(4)]
    [DataRow(3)]
    public void Open_BloomFolder_AgreesWithOracle(int heads)
    {
        using var folder = new FamilyFolder($$"""
            {
              "apply_residual_connection_post_layernorm": false, "architectures": ["BloomForCausalLM"],
              "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2, "hidden_dropout": 0.0,
              "hidden_size": {{heads * Size}}, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
              "masked_softmax_fusion": true, "model_type": "bloom", "n_head": {{heads}}, "n_layer": 2,
              "offset_alibi": 100, "pretraining_tp": 1, "seq_length": 64, "slow_but_exact": false, "vocab_size": 31
            }
            """);
        FillBloom(folder, heads * Size);
        folder.AssertFaithful(tokens => BloomLogits(folder, tokens, heads), name => "transformer." + name);
    }

    [TestMethod]
    [DataRow(4, null, null)]
    [DataRow(3, "0.7", null)]
    [DataRow(6, null, "0.2")]
    public void Open_MptFolder_AgreesWithOracle(int heads, string? clip, string? scale)
    {
        using var folder = new FamilyFolder($$"""
            {
              "architectures": ["MPTForCausalLM"], "attn_config": { "alibi": true, "alibi_bias_max": 8,
                "attn_impl": "torch", "attn_pdrop": 0, "attn_type": "multihead_attention",
                "attn_uses_sequence_id": false, "clip_qkv": {{clip ?? "null"}}, "prefix_lm": false, "qk_ln": false,
                "softmax_scale": {{scale ?? "null"}} },
              "d_model": {{heads * Size}}, "emb_pdrop": 0, "embedding_fraction": 1.0, "expansion_ratio": 4,
              "init_device": "cpu", "learned_pos_emb": true, "logit_scale": null, "max_seq_len": 64,
              "model_type": "mpt", "n_heads": {{heads}}, "n_layers": 2, "no_bias": true,
              "norm_type": "low_precision_layernorm", "resid_pdrop": 0, "use_cache": false, "verbose": 0,
              "vocab_size": 31
            }
            """);
        FillMpt(folder, heads * Size);
        folder.AssertFaithful(tokens => MptLogits(folder, tokens, heads, Number(clip), Number(scale)));
    }

    [TestMethod]
    [DataRow(8, new[] { 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625 })]
    [DataRow(1, new[] { 0.00390625 })]
    [DataRow(3, new[] { 0.0625, 0.00390625, 0.25 })]
    public void Slopes_OfThePaper(int heads, double[] expected) =>
        CollectionAssert.AreEqual(expected, HeadSlopes.Standard(heads).ToArray());

    [TestMethod]
    public void LayerShapes_HeadsWithoutSlopes_AreRefused()
    {
        JsonObject config = FamilyRegistry.ParseConfig("""
            { "model_type": "bloom", "hidden_size": 16, "n_head": 4, "n_layer": 1, "vocab_size": 20, "layer_shapes":
              [{ "num_attention_heads": 3, "num_key_value_heads": 3, "head_dim": 4, "intermediate_size": 64 }] }
            """);
        var e = Assert.ThrowsExactly<ModelFormatException>(() => FamilyRegistry.ReadConfig(config));
        StringAssert.Contains(e.Message, "4 ALiBi slopes; it needs 3");
    }

    private static double? Number(string? text) =>
        text is null ? null : double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    // Slopes for a number of heads that is a power of two are 2^(-8/n) and its powers; otherwise every second one of
    // the next power of two follows those of the power below.
    private static double[] Slopes(int heads) => heads switch
    {
        4 => [0.25, 0.0625, 0.015625, 0.00390625],
        3 => [0.0625, 0.00390625, 0.25],
        6 => [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125],
        _ => throw new ArgumentOutOfRangeException(nameof(heads)),
    };

    private static void FillBloom(FamilyFolder folder, int hidden)
    {
        folder.Add("word_embeddings.weight", 0, 1, Vocabulary, hidden)
            .Gain("word_embeddings_layernorm.weight", hidden).Bias("word_embeddings_layernorm.bias", hidden);
        for (int n = 0; n < 2; n++)
        {
            string layer = $"h.{n}.";
            foreach (string norm in (string[])["input_layernorm", "post_attention_layernorm"])
                folder.Gain($"{layer}{norm}.weight", hidden).Bias($"{layer}{norm}.bias", hidden);
            folder.Matrix(layer + "self_attention.query_key_value.weight", 3 * hidden, hidden, hidden)
                .Bias(layer + "self_attention.query_key_value.bias", 3 * hidden)
                .Matrix(layer + "self_attention.dense.weight", hidden, hidden, hidden)
                .Bias(layer + "self_attention.dense.bias", hidden)
                .Matrix(layer + "mlp.dense_h_to_4h.weight", 4 * hidden, hidden, hidden)
                .Bias(layer + "mlp.dense_h_to_4h.bias", 4 * hidden)
                .Matrix(layer + "mlp.dense_4h_to_h.weight", hidden, 4 * hidden, 4 * hidden)
                .Bias(layer + "mlp.dense_4h_to_h.bias", hidden);
        }

        folder.Gain("ln_f.weight", hidden).Bias("ln_f.bias", hidden).Write();
    }

    private static double[][] BloomLogits(FamilyFolder folder, int[] tokens, int heads)
    {
        double[][] Norm(double[][] x, string name) =>
            [.. x.Select(h => LayerNorm(h, folder.Values(name + ".weight"), folder.Values(name + ".bias"), 1e-5))];
        double[] Map(double[] x, string name) =>
            Linear(folder.Values(name + ".weight"), x, folder.Values(name + ".bias"));
        double[] table = folder.Values("word_embeddings.weight"), slopes = Slopes(heads);
        double[][] x = Norm(
            [.. tokens.Select(token => Row(table, token, heads * Size))], "word_embeddings_layernorm");
        for (int n = 0; n < 2; n++)
        {
            string layer = $"h.{n}.";
            double[][] fused = [.. Norm(x, layer + "input_layernorm")
                .Select(h => Map(h, layer + "self_attention.query_key_value"))];
            double[][] Part(int which) => [.. fused.Select(f => Enumerable.Range(0, heads)
                .SelectMany(head => f[((3 * head + which) * Size)..((3 * head + which + 1) * Size)]).ToArray())];
            double[][] mixed = Attend(Part(0), Part(1), Part(2), heads, heads,
                score: (head, distance, s) => s - slopes[head] * distance);
            x = [.. x.Zip(mixed, (h, m) => Add(h, Map(m, layer + "self_attention.dense")))];
            double[][] inputs = Norm(x, layer + "post_attention_layernorm");
            x = [.. x.Zip(inputs, (h, m) => Add(h, Map(
                [.. Map(m, layer + "mlp.dense_h_to_4h").Select(GeluTanh)], layer + "mlp.dense_4h_to_h")))];
        }

        return [.. Norm(x, "ln_f").Select(h => Linear(table, h))];
    }

    private static void FillMpt(FamilyFolder folder, int hidden)
    {
        folder.Add("transformer.wte.weight", 0, 1, Vocabulary, hidden);
        for (int n = 0; n < 2; n++)
        {
            string block = $"transformer.blocks.{n}.";
            folder.Gain(block + "norm_1.weight", hidden).Gain(block + "norm_2.weight", hidden)
                .Matrix(block + "attn.Wqkv.weight", 3 * hidden, hidden, hidden)
                .Matrix(block + "attn.out_proj.weight", hidden, hidden, hidden)
                .Matrix(block + "ffn.up_proj.weight", 4 * hidden, hidden, hidden)
                .Matrix(block + "ffn.down_proj.weight", hidden, 4 * hidden, 4 * hidden);
        }

        folder.Gain("transformer.norm_f.weight", hidden).Write();
    }

    private static double[][] MptLogits(FamilyFolder folder, int[] tokens, int heads, double? clip, double? scale)
    {
        int hidden = heads * Size;
        double[] Get(string name) => folder.Values($"transformer.{name}.weight");
        double[][] Norm(double[][] x, string name) =>
            [.. x.Select(h => LayerNorm(h, Get(name), new double[hidden], 1e-5))];
        double[] slopes = Slopes(heads);
        double[][] x = [.. tokens.Select(token => Row(Get("wte"), token, hidden))];
        for (int n = 0; n < 2; n++)
        {
            double[][] fused = [.. Norm(x, $"blocks.{n}.norm_1").Select(h => Linear(Get($"blocks.{n}.attn.Wqkv"), h)
                .Select(v => clip is { } c ? Math.Min(Math.Max(v, -c), c) : v).ToArray())];
            double[][] Third(int i) => [.. fused.Select(f => f[(i * hidden)..((i + 1) * hidden)])];
            double[][] mixed = Attend(Third(0), Third(1), Third(2), heads, heads, scale: scale,
                score: (head, distance, s) => s - slopes[head] * distance);
            x = [.. x.Zip(mixed, (h, m) => Add(h, Linear(Get($"blocks.{n}.attn.out_proj"), m)))];
            x = [.. x.Zip(Norm(x, $"blocks.{n}.norm_2"), (h, m) => Add(h, Linear(Get($"blocks.{n}.ffn.down_proj"),
                [.. Linear(Get($"blocks.{n}.ffn.up_proj"), m).Select(Gelu)])))];
        }

        return [.. Norm(x, "norm_f").Select(h => Linear(Get("wte"), h))];
    }
}
