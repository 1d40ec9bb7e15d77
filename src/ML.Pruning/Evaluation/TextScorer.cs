using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Evaluation;

/// <summary>Scores texts one by one: BOS and the tokens in data mode, cut at the model's context.</summary>
public static class TextScorer
{
    /// <summary>Scores a batch of texts.</summary>
    /// <remarks>Texts are padded to the longest one at the right; in a causal model padding does not change what comes
    /// before it. Without a BOS token the first token of a text is not scored.</remarks>
    /// <param name="model">The model, with tokenizer.</param>
    /// <param name="texts">The texts; an empty one scores 0 tokens.</param>
    /// <param name="engine">What runs the model.</param>
    /// <returns>One score a text.</returns>
    public static TextScore[] Score(
        LanguageModel model, IReadOnlyList<string> texts, EngineKind engine = EngineKind.Auto)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(texts);
        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        int context = model.Spec.ContextLength;
        var sequences = new int[texts.Count][];
        var truncated = new int[texts.Count];
        for (int i = 0; i < sequences.Length; i++)
        {
            IReadOnlyList<int> tokens = tokenizer.EncodeData(texts[i]);
            int[] whole = model.Spec.BosTokenId is { } bos ? [bos, .. tokens] : [.. tokens];
            truncated[i] = Math.Max(0, whole.Length - context);
            sequences[i] = whole[..Math.Min(whole.Length, context)];
        }

        ILanguageModelEngine runner = EngineFactory.Get(model, engine);
        using LlmTelemetry.Operation operation = EngineFactory.StartOperation("score", model, runner);
        operation.Tokens("input", sequences.Sum(s => (long)s.Length));
        double[] sums = LogLikelihoods(runner, sequences);
        operation.Complete();
        return [.. sequences.Select((s, i) => new TextScore(sums[i], Math.Max(0, s.Length - 1), truncated[i]))];
    }

    private static double[] LogLikelihoods(ILanguageModelEngine engine, int[][] sequences)
    {
        var sums = new double[sequences.Length];
        int length = sequences.Max(s => s.Length);
        if (length < 2) return sums;

        var tokens = new int[sequences.Length * length];
        for (int i = 0; i < sequences.Length; i++) sequences[i].CopyTo(tokens, i * length);
        var logProbabilities = new double[sequences.Length * (length - 1)];
        engine.NextTokenLogProbabilities(tokens, sequences.Length, logProbabilities);
        for (int i = 0; i < sequences.Length; i++)
        {
            for (int t = 0; t < sequences[i].Length - 1; t++)
                sums[i] += logProbabilities[i * (length - 1) + t];
        }

        return sums;
    }
}
