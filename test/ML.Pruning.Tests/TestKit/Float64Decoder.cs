using ML.Pruning.Checkpoints;
using ML.Pruning.Models;

namespace ML.Pruning.Tests.TestKit;

/// <summary>A decoder in float64, written token by token from the formulas: the oracle of the engines.</summary>
internal sealed class Float64Decoder
{
    private readonly ModelSpec _spec;
    private readonly Dictionary<string, double[]> _weights;

    public Float64Decoder(LanguageModel model)
    {
        _spec = model.Spec;
        _weights = model.Weights.ToDictionary(
            w => w.Key, w => Array.ConvertAll(w.Value.ToArray(), value => (double)value));
    }

    /// <summary>Told layer, part and input of every linear map of a layer, token by token.</summary>
    public Action<int, string, double[]>? InputObserver { get; init; }

    /// <summary>Logits [length][vocabulary] of one sequence.</summary>
    public double[][] Logits(ReadOnlySpan<int> tokens)
    {
        var hidden = new double[tokens.Length][];
        for (int t = 0; t < hidden.Length; t++) hidden[t] = Embed(tokens[t], t);
        for (int layer = 0; layer < _spec.Layers.Count; layer++) RunLayer(layer, hidden);

        string head = _spec.TiedHead ? TensorNames.Embedding : TensorNames.Head;
        return [.. hidden.Select(h => Multiply(_weights[head], Norm(h, "norm"), null))];
    }

    /// <summary>Largest absolute difference to the logits of an engine, relative to the largest logit.</summary>
    public double RelativeError(ReadOnlySpan<int> tokens, ReadOnlySpan<float> logits)
    {
        double[][] expected = Logits(tokens);
        double largest = 0, error = 0;
        for (int t = 0; t < expected.Length; t++)
        {
            for (int v = 0; v < expected[t].Length; v++)
            {
                largest = Math.Max(largest, Math.Abs(expected[t][v]));
                double difference = Math.Abs(expected[t][v] - logits[t * _spec.VocabularySize + v]);
                error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
            }
        }

        return error / largest;
    }

    private static double[] Multiply(double[] matrix, double[] x, double[]? bias)
    {
        var y = new double[matrix.Length / x.Length];
        for (int row = 0; row < y.Length; row++)
        {
            double sum = bias?[row] ?? 0;
            for (int column = 0; column < x.Length; column++) sum += matrix[row * x.Length + column] * x[column];
            y[row] = sum;
        }

        return y;
    }

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    private static double Activate(ActivationKind kind, double x) => kind switch
    {
        ActivationKind.Silu => x / (1 + Math.Exp(-x)),
        ActivationKind.Gelu => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        ActivationKind.GeluTanh =>
            0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))),
        ActivationKind.Relu => Math.Max(x, 0),
        _ => throw new NotSupportedException($"{kind}"),
    };

    // Power series up to 4 (Abramowitz and Stegun 7.1.5); beyond it erf is 1 to eight digits.
    private static double Erf(double x)
    {
        if (Math.Abs(x) > 4) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    private double[] Embed(int token, int position)
    {
        int d = _spec.HiddenSize;
        double[] hidden = _weights[TensorNames.Embedding].AsSpan(token * d, d).ToArray();
        return _spec.Positions == PositionKind.Learned
            ? Add(hidden, _weights[TensorNames.PositionEmbedding]
                .AsSpan((position + _spec.PositionOffset) * d, d).ToArray())
            : hidden;
    }

    private void RunLayer(int layer, double[][] hidden)
    {
        double[][] normed = [.. hidden.Select(h => Norm(h, $"layers.{layer}.{TensorNames.AttentionNorm}"))];
        double[][] attended = Attention(layer, normed);
        for (int t = 0; t < hidden.Length; t++)
        {
            hidden[t] = Add(hidden[t], attended[t]);
            hidden[t] = Add(hidden[t], Mlp(layer, Norm(hidden[t], $"layers.{layer}.{TensorNames.MlpNorm}")));
        }
    }

    private double[] Norm(double[] x, string name)
    {
        double[] gain = _weights[name + ".weight"];
        if (_spec.Norm == NormKind.RmsNorm)
        {
            double root = Math.Sqrt(x.Average(v => v * v) + _spec.NormEpsilon);
            return [.. x.Select((v, i) => v / root * gain[i])];
        }

        double[] bias = _weights[name + ".bias"];
        double mean = x.Average();
        double deviation = Math.Sqrt(x.Average(v => (v - mean) * (v - mean)) + _spec.NormEpsilon);
        return [.. x.Select((v, i) => (v - mean) / deviation * gain[i] + bias[i])];
    }

    private double[] Linear(int layer, string part, double[] x)
    {
        InputObserver?.Invoke(layer, part, x);
        return Multiply(
            _weights[$"layers.{layer}.{part}.weight"], x, _weights.GetValueOrDefault($"layers.{layer}.{part}.bias"));
    }

    private double[] Mlp(int layer, double[] x)
    {
        double[] up = Linear(layer, TensorNames.Up, x);
        double[] inner = _spec.GatedMlp
            ? [.. Linear(layer, TensorNames.Gate, x).Select((g, i) => Activate(_spec.Activation, g) * up[i])]
            : [.. up.Select(u => Activate(_spec.Activation, u))];
        return Linear(layer, TensorNames.Down, inner);
    }

    private double[][] Attention(int layer, double[][] x)
    {
        LayerSpec shape = _spec.Layers[layer];
        int d = shape.HeadSize;
        double[][] query = [.. x.Select((h, t) => Rotate(Linear(layer, TensorNames.Query, h), t, d))];
        double[][] key = [.. x.Select((h, t) => Rotate(Linear(layer, TensorNames.Key, h), t, d))];
        double[][] value = [.. x.Select(h => Linear(layer, TensorNames.Value, h))];
        var result = new double[x.Length][];
        for (int t = 0; t < x.Length; t++)
        {
            var mixed = new double[shape.Heads * d];
            int first = _spec.SlidingWindow is { } window ? Math.Max(0, t - window + 1) : 0;
            for (int head = 0; head < shape.Heads; head++)
            {
                int group = head * shape.KeyValueHeads / shape.Heads;
                double[] scores = [.. Enumerable.Range(first, t - first + 1).Select(s =>
                    Enumerable.Range(0, d).Sum(i => query[t][head * d + i] * key[s][group * d + i]) / Math.Sqrt(d))];
                double highest = scores.Max();
                double total = scores.Sum(s => Math.Exp(s - highest));
                for (int s = first; s <= t; s++)
                {
                    double weight = Math.Exp(scores[s - first] - highest) / total;
                    for (int i = 0; i < d; i++) mixed[head * d + i] += weight * value[s][group * d + i];
                }
            }

            result[t] = Linear(layer, TensorNames.Output, mixed);
        }

        return result;
    }

    private double[] Rotate(double[] heads, int position, int d)
    {
        if (_spec.Positions != PositionKind.Rotary) return heads;
        var turned = (double[])heads.Clone();
        for (int start = 0; start < heads.Length; start += d)
        {
            for (int i = 0; i < d / 2; i++)
            {
                (double sine, double cosine) = Math.SinCos(position * Frequency(i, d));
                double a = heads[start + i], b = heads[start + i + d / 2];
                turned[start + i] = a * cosine - b * sine;
                turned[start + i + d / 2] = b * cosine + a * sine;
            }
        }

        return turned;
    }

    private double Frequency(int pair, int d)
    {
        double frequency = 1 / Math.Pow(_spec.RopeTheta, 2.0 * pair / d);
        if (_spec.RopeScaling is not { } scaling) return frequency;
        if (scaling.Kind == RopeScalingKind.Linear) return frequency / scaling.Factor;

        // How many times the pair turns within the original context decides between kept and divided.
        double turns = scaling.OriginalContextLength * frequency / (2 * Math.PI);
        double kept = Math.Clamp((turns - scaling.LowFrequencyFactor)
            / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor), 0, 1);
        return frequency * (kept + (1 - kept) / scaling.Factor);
    }
}
