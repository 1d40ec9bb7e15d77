using System.Numerics.Tensors;

namespace ML.Pruning.Inference;

/// <summary>The tokens that may come next and their probabilities, after the repetition penalty, the temperature,
/// top-k, top-p and min-p of <see cref="GenerationOptions"/>.</summary>
/// <remarks>
/// <para>All in float64 over the tokens in falling order of their logits, the lower id first among equals; so exactly
/// k tokens pass top-k, where Hugging Face transformers keeps every token that equals the k-th. The softmax of what
/// passes one filter is what the next one sees.</para>
/// <para>Not thread-safe.</para>
/// </remarks>
/// <param name="options">Validated options; the temperature is above 0 for <see cref="Update"/>.</param>
internal sealed class TokenDistribution(GenerationOptions options)
{
    private double[] _negated = [];
    private int[] _ids = [];
    private double[] _probabilities = [];
    private int _count;

    /// <summary>The tokens left, likeliest first.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, _count);

    /// <summary>Their probabilities, which sum to 1 up to rounding.</summary>
    public ReadOnlySpan<double> Probabilities => _probabilities.AsSpan(0, _count);

    /// <summary>The likeliest token after the repetition penalty, the lowest id among equals.</summary>
    /// <param name="logits">[vocabulary], none of them NaN.</param>
    /// <param name="seen">Tokens of the prompt and of the text so far.</param>
    /// <returns>Its id.</returns>
    public int Likeliest(ReadOnlySpan<float> logits, IReadOnlySet<int> seen)
    {
        if (options.RepetitionPenalty == 1) return TensorPrimitives.IndexOfMax(logits);

        SetScores(logits, seen);
        return TensorPrimitives.IndexOfMin<double>(_negated);
    }

    /// <summary>Computes the distribution.</summary>
    /// <param name="logits">[vocabulary], the highest of them finite and none NaN.</param>
    /// <param name="seen">Tokens of the prompt and of the text so far.</param>
    public void Update(ReadOnlySpan<float> logits, IReadOnlySet<int> seen)
    {
        SetScores(logits, seen);
        Sort();
        _count = options.TopK > 0 ? Math.Min(options.TopK, _ids.Length) : _ids.Length;
        double highest = -_negated[0];
        double total = 0;
        for (int i = 0; i < _count; i++)
            total += _probabilities[i] = Math.Exp((-_negated[i] - highest) / options.Temperature);

        CutTopP(total);
        CutMinP();
        Span<double> left = _probabilities.AsSpan(0, _count);
        TensorPrimitives.Divide(left, TensorPrimitives.Sum<double>(left), left);
    }

    private void SetScores(ReadOnlySpan<float> logits, IReadOnlySet<int> seen)
    {
        if (_ids.Length != logits.Length)
        {
            _negated = new double[logits.Length];
            _ids = new int[logits.Length];
            _probabilities = new double[logits.Length];
        }

        for (int i = 0; i < logits.Length; i++) _negated[i] = -(double)logits[i];
        if (options.RepetitionPenalty == 1) return;

        foreach (int id in seen)
        {
            double penalised = logits[id] > 0
                ? logits[id] / options.RepetitionPenalty
                : logits[id] * options.RepetitionPenalty;

            // An extreme penalty must not turn a finite logit into an infinite one.
            if (float.IsFinite(logits[id])) penalised = Math.Clamp(penalised, double.MinValue, double.MaxValue);
            _negated[id] = -penalised;
        }
    }

    private void Sort()
    {
        for (int i = 0; i < _ids.Length; i++) _ids[i] = i;
        Array.Sort(_negated, _ids);

        // The sort is not stable: order each run of equals by id.
        for (int start = 0, end; start < _ids.Length; start = end)
        {
            end = start + 1;
            while (end < _ids.Length && _negated[end] == _negated[start]) end++;
            if (end - start > 1) _ids.AsSpan(start, end - start).Sort();
        }
    }

    // A token stays when those before it do not reach the sum yet.
    private void CutTopP(double total)
    {
        if (options.TopP == 1) return;

        double before = 0;
        for (int i = 0; i < _count; i++)
        {
            if (before >= options.TopP * total) _count = i;
            else before += _probabilities[i];
        }
    }

    // The likeliest token has weight 1, so that a weight is the share of it.
    private void CutMinP()
    {
        while (_probabilities[_count - 1] < options.MinP) _count--;
    }
}
