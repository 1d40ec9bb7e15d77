using System.Text.Json.Nodes;

namespace ML.Pruning.Evaluation;

/// <summary>Perplexity of a model on a corpus, with the protocol's numbers.</summary>
/// <param name="Perplexity">exp of <paramref name="MeanNegativeLogLikelihood"/>.</param>
/// <param name="MeanNegativeLogLikelihood">Mean over all scored tokens, in nats.</param>
/// <param name="Tokens">Tokens of the whole corpus with BOS, before the partial window was dropped.</param>
/// <param name="Windows">Windows scored.</param>
/// <param name="SequenceLength">Tokens in a window; all but the first are scored.</param>
/// <param name="Engine">Name of the engine.</param>
public sealed record PerplexityResult(double Perplexity, double MeanNegativeLogLikelihood, long Tokens, int Windows,
    int SequenceLength, string Engine)
{
    /// <summary>The result as one JSON object.</summary>
    /// <returns>Keys perplexity, meanNegativeLogLikelihood, tokens, windows, sequenceLength, engine.</returns>
    public JsonObject ToJson() => new()
    {
        ["perplexity"] = Perplexity,
        ["meanNegativeLogLikelihood"] = MeanNegativeLogLikelihood,
        ["tokens"] = Tokens,
        ["windows"] = Windows,
        ["sequenceLength"] = SequenceLength,
        ["engine"] = Engine,
    };
}
