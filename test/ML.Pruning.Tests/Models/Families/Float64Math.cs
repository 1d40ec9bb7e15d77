namespace ML.Pruning.Tests.Models.Families;

/// <summary>The arithmetic that the oracles of the families share, in float64 and straight from the formulas.</summary>
internal static class Float64Math
{
    /// <summary>W x, W [outFeatures, inFeatures].</summary>
    public static double[] Linear(double[] weight, double[] x, double[]? bias = null)
    {
        var y = new double[weight.Length / x.Length];
        for (int row = 0; row < y.Length; row++)
        {
            double sum = bias?[row] ?? 0;
            for (int i = 0; i < x.Length; i++) sum += weight[row * x.Length + i] * x[i];
            y[row] = sum;
        }

        return y;
    }

    public static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    public static double[] Row(double[] table, int row, int width) => table.AsSpan(row * width, width).ToArray();

    public static double[] RmsNorm(double[] x, double[] gain, double epsilon)
    {
        double root = Math.Sqrt(x.Sum(v => v * v) / x.Length + epsilon);
        return [.. x.Zip(gain, (v, g) => g * v / root)];
    }

    public static double[] LayerNorm(double[] x, double[] gain, double[] bias, double epsilon)
    {
        double mean = x.Sum() / x.Length;
        double root = Math.Sqrt(x.Sum(v => (v - mean) * (v - mean)) / x.Length + epsilon);
        return [.. x.Select((v, i) => (v - mean) / root * gain[i] + bias[i])];
    }

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    public static double GeluTanh(double x) =>
        0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * Math.Pow(x, 3))));

    /// <summary>x Phi(x); Phi by Simpson's rule over the normal density.</summary>
    public static double Gelu(double x)
    {
        const int steps = 2000;
        double Density(double t) => Math.Exp(-t * t / 2) / Math.Sqrt(2 * Math.PI);
        double h = x / steps, sum = Density(0) + Density(x);
        for (int i = 1; i < steps; i++) sum += (i % 2 == 0 ? 2 : 4) * Density(i * h);
        return x * (0.5 + sum * h / 3);
    }

    /// <summary>The first <paramref name="width"/> elements of each head turn: element i of their first half with
    /// element i of their second half, by position * frequency(i).</summary>
    public static double[] Rotate(double[] heads, int position, int d, int width, Func<int, double> frequency)
    {
        var turned = (double[])heads.Clone();
        for (int start = 0; start < heads.Length; start += d)
        {
            for (int i = 0; i < width / 2; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * frequency(i));
                double a = heads[start + i], b = heads[start + i + width / 2];
                turned[start + i] = a * cosine - b * sine;
                turned[start + i + width / 2] = b * cosine + a * sine;
            }
        }

        return turned;
    }

    /// <summary>Causal attention. Query head n reads key/value head n / (heads / groups); a query sees itself and the
    /// window - 1 keys before it. The product of a query and a key is scaled (by 1 / sqrt(d) if nothing else is said);
    /// then <paramref name="score"/> makes of head, distance and score what the softmax gets.</summary>
    public static double[][] Attend(double[][] query, double[][] key, double[][] value, int heads, int groups,
        int? window = null, double? scale = null, Func<int, int, double, double>? score = null)
    {
        int d = query[0].Length / heads;
        double factor = scale ?? 1 / Math.Sqrt(d);
        score ??= (_, _, s) => s;
        return [.. query.Select((_, t) =>
        {
            var mixed = new double[heads * d];
            int[] seen = [.. Enumerable.Range(0, t + 1).Where(s => window is null || t - s < window)];
            for (int head = 0; head < heads; head++)
            {
                int q = head * d, k = head / (heads / groups) * d;
                double[] weights = [.. seen.Select(s => Math.Exp(score(
                    head, t - s, factor * Enumerable.Range(0, d).Sum(i => query[t][q + i] * key[s][k + i]))))];
                for (int i = 0; i < d; i++)
                    mixed[q + i] = seen.Select((s, n) => weights[n] * value[s][k + i]).Sum() / weights.Sum();
            }

            return mixed;
        })];
    }
}
