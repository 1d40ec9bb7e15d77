using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: GPT-NeoX in float64 from its own files; query, key and value of each head stand together, and a
/// quarter or a half of a head turns.</summary>
[TestClass]
public sealed class GptNeoXFamilyTests
{
    private const int Hidden = 24, Heads = 3, Size = 8, Inner = 40, Vocabulary = 31;

    [TestMethod]
    [DataRow(true, 0.5, "gelu", true)]
    [DataRow(false, 0.25, "gelu", true)]
    [DataRow(true, 1.0, "gelu_fast", true)]
    [DataRow(true, 0.5, "gelu", false)]
    public void Open_HandWrittenFolder_AgreesWithOracle(
        bool parallel, double fraction, string activation, bool attentionBias)
    {
        using var folder = new FamilyFolder($$"""
            {
              "architectures": ["GPTNeoXForCausalLM"], "attention_bias": {{(attentionBias ? "true" : "false")}},
              "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "{{activation}}", "hidden_size": 24,
              "initializer_range": 0.02, "intermediate_size": 40, "layer_norm_eps": 1e-05,
              "max_position_embeddings": 64, "model_type": "gpt_neox", "num_attention_heads": 3, "num_hidden_layers": 2,
              "rotary_emb_base": 500, "tie_word_embeddings": false, "torch_dtype": "float16", "use_cache": true,
              "rotary_pct": {{fraction.ToString(System.Globalization.CultureInfo.InvariantCulture)}},
              "use_parallel_residual": {{(parallel ? "true" : "false")}}, "vocab_size": 31
            }
            """);
        Fill(folder, attentionBias);
        folder.AssertFaithful(tokens => Logits(folder, tokens, parallel, (int)(Size * fraction), activation),
            name => name.EndsWith(".attention.bias", StringComparison.Ordinal) ? null : name);
    }

    private static void Fill(FamilyFolder folder, bool attentionBias)
    {
        folder.Add("gpt_neox.embed_in.weight", 0, 1, Vocabulary, Hidden);
        for (int n = 0; n < 2; n++)
        {
            string layer = $"gpt_neox.layers.{n}.";
            folder.Add(layer + "attention.bias", [.. Enumerable.Repeat(1f, 64 * 64)], 1, 1, 64, 64);
            foreach (string norm in (string[])["input_layernorm", "post_attention_layernorm"])
                folder.Gain($"{layer}{norm}.weight", Hidden).Bias($"{layer}{norm}.bias", Hidden);
            folder.Matrix(layer + "attention.query_key_value.weight", 3 * Hidden, Hidden, Hidden)
                .Matrix(layer + "attention.dense.weight", Hidden, Hidden, Hidden)
                .Matrix(layer + "mlp.dense_h_to_4h.weight", Inner, Hidden, Hidden)
                .Bias(layer + "mlp.dense_h_to_4h.bias", Inner)
                .Matrix(layer + "mlp.dense_4h_to_h.weight", Hidden, Inner, Inner)
                .Bias(layer + "mlp.dense_4h_to_h.bias", Hidden);
            if (attentionBias)
            {
                folder.Bias(layer + "attention.query_key_value.bias", 3 * Hidden)
                    .Bias(layer + "attention.dense.bias", Hidden);
            }
        }

        folder.Gain("gpt_neox.final_layer_norm.weight", Hidden).Bias("gpt_neox.final_layer_norm.bias", Hidden)
            .Matrix("embed_out.weight", Vocabulary, Hidden, Hidden).Write();
    }

    private static double[][] Logits(FamilyFolder folder, int[] tokens, bool parallel, int turning, string activation)
    {
        double[] Get(string name) => folder.Values("gpt_neox." + name);
        double[][] Norm(double[][] x, string name) =>
            [.. x.Select(h => LayerNorm(h, Get(name + ".weight"), Get(name + ".bias"), 1e-5))];
        double[] Map(double[] x, string name) => Linear(
            Get(name + ".weight"), x, folder.Has($"gpt_neox.{name}.bias") ? Get(name + ".bias") : null);
        double[] Turn(double[] heads, int t) =>
            Rotate(heads, t, Size, turning, i => Math.Pow(500, -2.0 * i / turning));
        double Act(double v) => activation == "gelu" ? Gelu(v) : GeluTanh(v);
        double[][] x = [.. tokens.Select(token => Row(Get("embed_in.weight"), token, Hidden))];
        for (int n = 0; n < 2; n++)
        {
            string layer = $"layers.{n}.";
            double[][] fused = [.. Norm(x, layer + "input_layernorm")
                .Select(h => Map(h, layer + "attention.query_key_value"))];
            double[][] Part(int which) => [.. fused.Select(f => Enumerable.Range(0, Heads)
                .SelectMany(head => f[((3 * head + which) * Size)..((3 * head + which + 1) * Size)]).ToArray())];
            double[][] mixed = Attend([.. Part(0).Select(Turn)], [.. Part(1).Select(Turn)], Part(2), Heads, Heads);
            double[][] after = [.. x.Zip(mixed, (h, m) => Add(h, Map(m, layer + "attention.dense")))];
            double[][] inputs = Norm(parallel ? x : after, layer + "post_attention_layernorm");
            x = [.. after.Zip(inputs, (h, m) => Add(h, Map(
                [.. Map(m, layer + "mlp.dense_h_to_4h").Select(Act)], layer + "mlp.dense_4h_to_h")))];
        }

        return [.. Norm(x, "final_layer_norm").Select(h => Linear(folder.Values("embed_out.weight"), h))];
    }
}
