using System.Numerics.Tensors;

namespace ML.Pruning.Inference;

/// <summary>Chooses the next token from logits.</summary>
/// <remarks>softmax(logits / temperature) in float64, then inversion of the cumulative sum in the order of the ids with
/// one number of <see cref="Random"/>. Deterministic for a seed; not thread-safe.</remarks>
/// <param name="temperature">At least 0; 0 = the likeliest.</param>
/// <param name="seed">Seed of the draws.</param>
internal sealed class TokenSampler(double temperature, int seed)
{
    private readonly Random _random = new(seed);
    private double[] _weights = [];

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <returns>A token id.</returns>
    /// <exception cref="InvalidOperationException">A logit is not a number, or all are negative infinity.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        // IndexOfMax gives the first NaN if there is one, else the first of equals.
        int likeliest = TensorPrimitives.IndexOfMax(logits);
        float highest = logits[likeliest];
        if (!float.IsFinite(highest))
        {
            throw new InvalidOperationException($"The logit of token {likeliest} is {highest}; the model's weights are "
                + "damaged or overflow the type they are computed in.");
        }

        return temperature == 0 ? likeliest : Draw(logits, highest);
    }

    private int Draw(ReadOnlySpan<float> logits, double highest)
    {
        if (_weights.Length != logits.Length) _weights = new double[logits.Length];
        double total = 0;
        for (int i = 0; i < logits.Length; i++)
            total += _weights[i] = Math.Exp((logits[i] - highest) / temperature);

        double left = _random.NextDouble() * total;
        int last = 0;
        for (int i = 0; i < _weights.Length; i++)
        {
            if (_weights[i] == 0) continue;
            last = i;
            left -= _weights[i];
            if (left < 0) break;
        }

        return last;
    }
}
