using ML.Pruning.Calibration;
using ML.Pruning.Evaluation;
using ML.Pruning.Models;

namespace ML.Pruning.Benchmarks.Training;

/// <summary>What is measured of models that were pruned and trained.</summary>
internal static class RecoveryMeasures
{
    /// <summary>Tokens in a window.</summary>
    public const int WindowLength = 256;

    /// <summary>Cuts a file into windows.</summary>
    public static TokenWindows Windows(LanguageModel model, string path) => TokenWindows.Cut(
        TextCorpus.Read(path), model.RequireTokenizer(), model.Spec.BosTokenId, WindowLength);

    /// <summary>Mean negative log-likelihood of a token.</summary>
    public static double Loss(LanguageModel model, TokenWindows windows) =>
        PerplexityEvaluator.Evaluate(model, windows).MeanNegativeLogLikelihood;

    /// <summary>Fraction of zeros among the linear maps, counted in the weights themselves.</summary>
    public static double Sparsity(LanguageModel model)
    {
        long zeros = 0, count = 0;
        foreach (ParameterSpec linear in model.Spec.Parameters().Where(p => p.Role == ParameterRole.Linear))
        {
            zeros += model.Weights[linear.Name].ToArray().Count(w => w == 0);
            count += linear.Count;
        }

        return (double)zeros / count;
    }
}
