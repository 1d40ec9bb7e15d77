using System.Text.Json.Nodes;

namespace ML.Pruning.Evaluation;

/// <summary>How well a classifier tells the labels of texts.</summary>
/// <param name="Accuracy">Fraction of texts whose label has the highest probability, in [0, 1].</param>
/// <param name="MeanCrossEntropy">Mean of -ln p(label), in nats.</param>
/// <param name="Texts">Number of texts.</param>
/// <param name="TruncatedTexts">Texts that were cut at the model's context.</param>
/// <param name="Engine">Name of the engine.</param>
public sealed record AccuracyResult(
    double Accuracy, double MeanCrossEntropy, int Texts, int TruncatedTexts, string Engine)
{
    /// <summary>The result as one JSON object.</summary>
    /// <returns>Keys accuracy, meanCrossEntropy, texts, truncatedTexts, engine.</returns>
    public JsonObject ToJson() => new()
    {
        ["accuracy"] = Accuracy,
        ["meanCrossEntropy"] = MeanCrossEntropy,
        ["texts"] = Texts,
        ["truncatedTexts"] = TruncatedTexts,
        ["engine"] = Engine,
    };
}
