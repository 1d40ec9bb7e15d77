using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>LLaMA, Mistral, Qwen2 and Qwen3 from their own tensor names, in float64; and folders of such
/// tensors.</summary>
internal sealed record LlamaOracle
{
    public required FamilyFolder Folder { get; init; }

    public int Hidden { get; init; } = 16;

    public int Vocabulary { get; init; } = 29;

    /// <summary>Heads, key/value heads, head size and MLP width of each layer.</summary>
    public (int Heads, int Groups, int HeadSize, int Width)[] Layers { get; init; } = [(4, 2, 4, 24), (4, 2, 4, 24)];

    public double Epsilon { get; init; } = 1e-5;

    /// <summary>theta^(-2i/d), or what a scaling makes of it.</summary>
    public Func<int, int, double> Frequency { get; init; } = Frequencies(10000);

    public int? Window { get; init; }

    /// <summary>Endings of the names of the projections that have a bias.</summary>
    public string[] Biased { get; init; } = [];

    public bool Tied { get; init; }

    /// <summary>Whether each query and key head is normed.</summary>
    public bool HeadNorms { get; init; }

    /// <summary>The first layer with the window.</summary>
    public int FirstWindowed { get; init; }

    public static Func<int, int, double> Frequencies(double theta) => (i, d) => 1 / Math.Pow(theta, 2.0 * i / d);

    /// <summary>Fills the folder.</summary>
    public LlamaOracle Write(string prefix = "model.")
    {
        Folder.Add(prefix + "embed_tokens.weight", 0, 1, Vocabulary, Hidden);
        for (int n = 0; n < Layers.Length; n++)
        {
            (int heads, int groups, int d, int width) = Layers[n];
            string layer = $"{prefix}layers.{n}.";
            Folder.Gain(layer + "input_layernorm.weight", Hidden)
                .Gain(layer + "post_attention_layernorm.weight", Hidden);
            Projection(layer + "self_attn.q_proj", heads * d, Hidden);
            Projection(layer + "self_attn.k_proj", groups * d, Hidden);
            Projection(layer + "self_attn.v_proj", groups * d, Hidden);
            Projection(layer + "self_attn.o_proj", Hidden, heads * d);
            if (HeadNorms) Folder.Gain(layer + "self_attn.q_norm.weight", d).Gain(layer + "self_attn.k_norm.weight", d);
            Projection(layer + "mlp.gate_proj", width, Hidden);
            Projection(layer + "mlp.up_proj", width, Hidden);
            Projection(layer + "mlp.down_proj", Hidden, width);
        }

        Folder.Gain(prefix + "norm.weight", Hidden);
        if (!Tied) Folder.Matrix("lm_head.weight", Vocabulary, Hidden, Hidden);
        Folder.Write();
        return this;
    }

    public double[][] Logits(int[] tokens) => Logits(tokens, "model.");

    public double[][] Logits(int[] tokens, string prefix)
    {
        double[] embedding = Folder.Values(prefix + "embed_tokens.weight");
        double[][] x = [.. tokens.Select(t => Row(embedding, t, Hidden))];
        for (int n = 0; n < Layers.Length; n++)
        {
            (int heads, int groups, int d, _) = Layers[n];
            string layer = $"{prefix}layers.{n}.";
            double[][] normed = Normed(x, layer + "input_layernorm.weight");
            double[][] query = [.. normed.Select((h, t) => Rotate(Heads(layer, "q", h, d), t, d))];
            double[][] key = [.. normed.Select((h, t) => Rotate(Heads(layer, "k", h, d), t, d))];
            double[][] value = [.. normed.Select(h => Project(layer + "self_attn.v_proj", h))];
            double[][] mixed = Attend(query, key, value, heads, groups, n < FirstWindowed ? null : Window);
            x = [.. x.Zip(mixed, (h, m) => Add(h, Project(layer + "self_attn.o_proj", m)))];
            double[][] inputs = Normed(x, layer + "post_attention_layernorm.weight");
            x = [.. x.Zip(inputs, (h, m) => Add(h, Mlp(layer + "mlp.", m)))];
        }

        double[] head = Tied ? embedding : Folder.Values("lm_head.weight");
        return [.. Normed(x, prefix + "norm.weight").Select(h => Linear(head, h))];
    }

    private void Projection(string name, int rows, int columns)
    {
        Folder.Matrix(name + ".weight", rows, columns, columns);
        if (Biased.Any(name.EndsWith)) Folder.Bias(name + ".bias", rows);
    }

    private double[] Project(string name, double[] x) => Linear(
        Folder.Values(name + ".weight"), x, Biased.Any(name.EndsWith) ? Folder.Values(name + ".bias") : null);

    private double[] Heads(string layer, string which, double[] x, int d)
    {
        double[] heads = Project($"{layer}self_attn.{which}_proj", x);
        if (!HeadNorms) return heads;
        double[] gain = Folder.Values($"{layer}self_attn.{which}_norm.weight");
        return [.. heads.Chunk(d).SelectMany(head => RmsNorm(head, gain, Epsilon))];
    }

    private double[][] Normed(double[][] x, string gain) =>
        [.. x.Select(h => RmsNorm(h, Folder.Values(gain), Epsilon))];

    private double[] Mlp(string mlp, double[] x)
    {
        double[] gate = Project(mlp + "gate_proj", x), up = Project(mlp + "up_proj", x);
        return Project(mlp + "down_proj", [.. gate.Zip(up, (g, u) => Silu(g) * u)]);
    }

    // Element i of the first half of a head turns with element i of the second half.
    private double[] Rotate(double[] heads, int position, int d)
    {
        var turned = new double[heads.Length];
        for (int e = 0; e < heads.Length; e++)
        {
            int place = e % d, pair = place % (d / 2);
            double angle = position * Frequency(pair, d);
            double partner = place < d / 2 ? -heads[e + d / 2] : heads[e - d / 2];
            turned[e] = heads[e] * Math.Cos(angle) + partner * Math.Sin(angle);
        }

        return turned;
    }
}
