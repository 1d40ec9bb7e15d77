namespace ML.Pruning.Evaluation;

/// <summary>How likely a model finds one text.</summary>
/// <param name="LogLikelihood">Sum of the natural logarithms of the probabilities of the tokens after BOS.</param>
/// <param name="TokenCount">Tokens scored.</param>
/// <param name="TruncatedTokenCount">Tokens cut off at the model's context.</param>
public readonly record struct TextScore(double LogLikelihood, int TokenCount, int TruncatedTokenCount)
{
    /// <summary>exp(-log-likelihood / tokens); NaN for no tokens.</summary>
    public double Perplexity => TokenCount == 0 ? double.NaN : Math.Exp(-LogLikelihood / TokenCount);
}
