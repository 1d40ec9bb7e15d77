using System.Numerics.Tensors;

namespace ML.Pruning.Inference;

/// <summary>Chooses the tokens of one text from logits.</summary>
/// <remarks>Inversion of the cumulative sum of <see cref="TokenDistribution"/>, likeliest token first, with one number
/// of <see cref="Random"/> a token. Deterministic for seed and stream; not thread-safe.</remarks>
internal sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private readonly TokenDistribution _distribution;
    private readonly HashSet<int> _seen = [];
    private readonly Random _random;

    /// <summary>Starts a text.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="prompt">The tokens that the text begins with.</param>
    /// <param name="stream">Which random stream of the seed, at least 0.</param>
    public TokenSampler(GenerationOptions options, IEnumerable<int> prompt, int stream = 0)
    {
        _options = options;
        _distribution = new TokenDistribution(options);
        if (options.RepetitionPenalty != 1) _seen.UnionWith(prompt);
        _random = new Random(StreamSeed(options.Seed, stream));
    }

    /// <summary>Chooses the next token, which is then part of the text.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <returns>A token id.</returns>
    /// <exception cref="InvalidOperationException">A logit is not a number, or all are negative infinity.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        // IndexOfMax gives the first NaN if there is one, else the first of equals.
        int highest = TensorPrimitives.IndexOfMax(logits);
        if (!float.IsFinite(logits[highest]))
        {
            throw new InvalidOperationException($"The logit of token {highest} is {logits[highest]}; the model's "
                + "weights are damaged or overflow the type they are computed in.");
        }

        int token = _options.Temperature == 0 ? _distribution.Likeliest(logits, _seen) : Draw(logits);
        if (_options.RepetitionPenalty != 1) _seen.Add(token);
        return token;
    }

    private int Draw(ReadOnlySpan<float> logits)
    {
        _distribution.Update(logits, _seen);
        ReadOnlySpan<double> probabilities = _distribution.Probabilities;
        double left = _random.NextDouble();
        int last = 0;
        for (int i = 0; i < probabilities.Length && probabilities[i] > 0; i++)
        {
            last = i;
            left -= probabilities[i];
            if (left < 0) break;
        }

        return _distribution.Ids[last];
    }

    // Stream 0 is the seed itself; the others are the finalizer of SplitMix64 (Steele et al. 2014,
    // doi:10.1145/2660193.2660195) over seed and stream.
    private static int StreamSeed(int seed, int stream)
    {
        if (stream == 0) return seed;
        ulong z = ((ulong)(uint)seed << 32) | (uint)stream;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)((z ^ (z >> 31)) >> 32);
    }
}
