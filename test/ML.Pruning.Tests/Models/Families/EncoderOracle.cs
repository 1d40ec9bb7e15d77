using static ML.Pruning.Tests.Models.Families.Float64Math;

namespace ML.Pruning.Tests.Models.Families;

/// <summary>An encoder in float64, written from the published architectures over a folder's own tensor names.</summary>
/// <param name="folder">The folder.</param>
/// <param name="names">What the family calls its tensors.</param>
internal sealed class EncoderOracle(FamilyFolder folder, EncoderNames names)
{
    public const int Hidden = 12, Heads = 3, Inner = 20, Vocabulary = 29, Context = 24, Labels = 3;

    public double Epsilon { get; init; } = 1e-12;

    public Func<double, double> Activation { get; init; } = Gelu;

    /// <summary>Adds all tensors of the encoder itself, with random values.</summary>
    public void Fill(int heads = Heads)
    {
        int width = heads * Hidden / Heads;
        folder.Add(names.Word, 0, 1, Vocabulary, Hidden).Add(names.Position, 0, 0.5, Context + names.Offset, Hidden);
        if (names.TokenType is { } types) folder.Add(types, 0, 0.5, 2, Hidden);
        folder.Gain(names.EmbeddingNorm + ".weight", Hidden).Bias(names.EmbeddingNorm + ".bias", Hidden);
        for (int n = 0; n < 2; n++)
        {
            string layer = names.Layer + n + ".";
            foreach (string part in (string[])[names.Query, names.Key, names.Value])
                Linear(layer + part, width, Hidden);
            Linear(layer + names.Output, Hidden, width);
            Norm(layer + names.AttentionNorm);
            Linear(layer + names.Up, Inner, Hidden);
            Linear(layer + names.Down, Hidden, Inner);
            Norm(layer + names.MlpNorm);
        }
    }

    public void Linear(string name, int rows, int columns) =>
        folder.Matrix(name + ".weight", rows, columns, columns).Bias(name + ".bias", rows);

    public void Norm(string name) => folder.Gain(name + ".weight", Hidden).Bias(name + ".bias", Hidden);

    /// <summary>States after the last layer [T][D].</summary>
    public double[][] States(int[] tokens, int heads = Heads)
    {
        double[][] x = [.. tokens.Select((token, t) => Normed(Embed(token, t), names.EmbeddingNorm))];
        for (int n = 0; n < 2; n++)
        {
            string layer = names.Layer + n + ".";
            double[][] mixed = Attend(Map(x, layer + names.Query), Map(x, layer + names.Key),
                Map(x, layer + names.Value), heads);
            double[][] attended = Map(mixed, layer + names.Output);
            x = [.. x.Zip(attended, (h, a) => Normed(Add(h, a), layer + names.AttentionNorm))];
            double[][] inner = [.. Map(x, layer + names.Up).Select(u => u.Select(Activation).ToArray())];
            x = [.. x.Zip(Map(inner, layer + names.Down), (h, m) => Normed(Add(h, m), layer + names.MlpNorm))];
        }

        return x;
    }

    /// <summary>Scores of the labels: a map, a non-linearity and a map of the first state.</summary>
    public double[] Scores(int[] tokens, string first, Func<double, double> activation, string second) =>
        Map(Map(States(tokens)[0], first).Select(activation).ToArray(), second);

    /// <summary>Logits [T][V] of masked tokens: a map, a non-linearity and a norm, then the embedding and a
    /// bias.</summary>
    public double[][] Logits(int[] tokens, string transform, string norm, string bias) =>
        [.. States(tokens).Select(h => Float64Math.Linear(folder.Values(names.Word),
            Normed(Map(h, transform).Select(Activation).ToArray(), norm), folder.Values(bias)))];

    public double[] Map(double[] x, string name) =>
        Float64Math.Linear(folder.Values(name + ".weight"), x, folder.Values(name + ".bias"));

    private double[][] Map(double[][] x, string name) => [.. x.Select(h => Map(h, name))];

    private double[] Embed(int token, int position)
    {
        double[] sum = Add(Row(folder.Values(names.Word), token, Hidden),
            Row(folder.Values(names.Position), position + names.Offset, Hidden));
        return names.TokenType is { } types ? Add(sum, Row(folder.Values(types), 0, Hidden)) : sum;
    }

    private double[] Normed(double[] x, string name) =>
        LayerNorm(x, folder.Values(name + ".weight"), folder.Values(name + ".bias"), Epsilon);

    // Every token sees every token.
    private static double[][] Attend(double[][] query, double[][] key, double[][] value, int heads)
    {
        int d = query[0].Length / heads;
        return [.. query.Select(q =>
        {
            var mixed = new double[heads * d];
            for (int head = 0; head < heads; head++)
            {
                int at = head * d;
                double[] weights = [.. key.Select(k =>
                    Math.Exp(Enumerable.Range(at, d).Sum(i => q[i] * k[i]) / Math.Sqrt(d)))];
                for (int i = at; i < at + d; i++)
                    mixed[i] = value.Select((v, s) => weights[s] * v[i]).Sum() / weights.Sum();
            }

            return mixed;
        })];
    }
}

/// <summary>What a family calls the tensors of its encoder.</summary>
internal sealed record EncoderNames(string Word, string Position, string? TokenType, string EmbeddingNorm, string Layer,
    string Query, string Key, string Value, string Output, string AttentionNorm, string Up, string Down, string MlpNorm,
    int Offset = 0)
{
    public static EncoderNames Bert(string prefix, int offset = 0) => new(prefix + "embeddings.word_embeddings.weight",
        prefix + "embeddings.position_embeddings.weight", prefix + "embeddings.token_type_embeddings.weight",
        prefix + "embeddings.LayerNorm", prefix + "encoder.layer.", "attention.self.query", "attention.self.key",
        "attention.self.value", "attention.output.dense", "attention.output.LayerNorm", "intermediate.dense",
        "output.dense", "output.LayerNorm", offset);

    public static EncoderNames DistilBert { get; } = new("distilbert.embeddings.word_embeddings.weight",
        "distilbert.embeddings.position_embeddings.weight", null, "distilbert.embeddings.LayerNorm",
        "distilbert.transformer.layer.", "attention.q_lin", "attention.k_lin", "attention.v_lin", "attention.out_lin",
        "sa_layer_norm", "ffn.lin1", "ffn.lin2", "output_layer_norm");
}
