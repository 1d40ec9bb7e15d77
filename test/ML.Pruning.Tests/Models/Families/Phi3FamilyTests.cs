using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>Oracle: Phi 3 in float64 from its own files; queries, keys and values in one tensor, gate and up in
/// another, a part of a head turns.</summary>
[TestClass]
public sealed class Phi3FamilyTests
{
    private const int Hidden = 16, Heads = 4, Groups = 2, Size = 8, Inner = 24, Vocabulary = 31;
    private const string LongRope = """
        "rope_scaling": { "type": "longrope", "short_factor": [1.0, 1.3, 2.5], "long_factor": [1.1, 4.0, 9.0] }
        """;

    private static readonly double[] s_short = [1, 1.3, 2.5];
    private static readonly double[] s_long = [1.1, 4, 9];

    // Sequences have 14 tokens: beyond an original context of 8, within one of 20.
    [TestMethod]
    [DataRow("1024", "\"rope_scaling\": null", null, null)]
    [DataRow("8", LongRope, true, null)]
    [DataRow("20", LongRope, false, null)]
    [DataRow("8", LongRope, true, 5)]
    public void Open_HandWrittenFolder_AgreesWithOracle(string original, string scaling, bool? isLong, int? window)
    {
        using var folder = new FamilyFolder(Config(original, scaling, window));
        Fill(folder);
        double factor = 1024 / double.Parse(original, System.Globalization.CultureInfo.InvariantCulture);
        double attention = isLong is null ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(1024 / factor));
        double[] divisors = isLong switch { null => [1, 1, 1], true => s_long, false => s_short };
        folder.AssertFaithful(tokens => Logits(folder, tokens, divisors, attention, window));
    }

    private static string Config(string original, string scaling, int? window) => $$"""
        {
          "architectures": ["Phi3ForCausalLM"], "attention_bias": false, "bos_token_id": 1, "embd_pdrop": 0.0,
          "eos_token_id": 2, "head_dim": 8, "hidden_act": "silu", "hidden_size": 16, "intermediate_size": 24,
          "max_position_embeddings": 1024, "model_type": "phi3", "num_attention_heads": 4, "num_hidden_layers": 2,
          "num_key_value_heads": 2, "original_max_position_embeddings": {{original}}, "partial_rotary_factor": 0.75,
          "rms_norm_eps": 1e-05, "rope_theta": 10000.0, {{scaling}},
          "sliding_window": {{window?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "null"}},
          "tie_word_embeddings": false, "torch_dtype": "bfloat16", "vocab_size": 31
        }
        """;

    private static void Fill(FamilyFolder folder)
    {
        folder.Add("model.embed_tokens.weight", 0, 1, Vocabulary, Hidden);
        for (int n = 0; n < 2; n++)
        {
            string layer = $"model.layers.{n}.";
            folder.Gain(layer + "input_layernorm.weight", Hidden)
                .Gain(layer + "post_attention_layernorm.weight", Hidden)
                .Matrix(layer + "self_attn.qkv_proj.weight", (Heads + 2 * Groups) * Size, Hidden, Hidden)
                .Matrix(layer + "self_attn.o_proj.weight", Hidden, Heads * Size, Heads * Size)
                .Matrix(layer + "mlp.gate_up_proj.weight", 2 * Inner, Hidden, Hidden)
                .Matrix(layer + "mlp.down_proj.weight", Hidden, Inner, Inner);
        }

        folder.Gain("model.norm.weight", Hidden).Matrix("lm_head.weight", Vocabulary, Hidden, Hidden).Write();
    }

    private static double[][] Logits(
        FamilyFolder folder, int[] tokens, double[] divisors, double attention, int? window)
    {
        double[] Get(string name) => folder.Values("model." + name + ".weight");
        double[][] Norm(double[][] x, string name) => [.. x.Select(h => RmsNorm(h, Get(name), 1e-5))];
        double[] Turn(double[] heads, int position) => Rotate(
            heads, position, Size, 6, i => Math.Pow(10000, -2.0 * i / 6) / divisors[i]);

        // Cosines and sines times a factor: what turns grows by it.
        double[] Grow(double[] heads) => [.. heads.Select((v, e) => e % Size < 6 ? v * attention : v)];
        double[][] x = [.. tokens.Select(token => Row(Get("embed_tokens"), token, Hidden))];
        for (int n = 0; n < 2; n++)
        {
            double[][] fused = [.. Norm(x, $"layers.{n}.input_layernorm")
                .Select(h => Linear(Get($"layers.{n}.self_attn.qkv_proj"), h))];
            int q = Heads * Size, k = Groups * Size;
            double[][] mixed = Attend(
                [.. fused.Select((f, t) => Grow(Turn(f[..q], t)))],
                [.. fused.Select((f, t) => Grow(Turn(f[q..(q + k)], t)))],
                [.. fused.Select(f => f[(q + k)..])], Heads, Groups, window);
            x = [.. x.Zip(mixed, (h, m) => Add(h, Linear(Get($"layers.{n}.self_attn.o_proj"), m)))];
            x = [.. x.Zip(Norm(x, $"layers.{n}.post_attention_layernorm"), (h, m) =>
            {
                double[] both = Linear(Get($"layers.{n}.mlp.gate_up_proj"), m);
                double[] inner = [.. both[..Inner].Zip(both[Inner..], (g, u) => Silu(g) * u)];
                return Add(h, Linear(Get($"layers.{n}.mlp.down_proj"), inner));
            })];
        }

        return [.. Norm(x, "norm").Select(h => Linear(folder.Values("lm_head.weight"), h))];
    }
}
