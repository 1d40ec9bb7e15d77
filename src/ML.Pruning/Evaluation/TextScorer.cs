using ML.Pruning.Inference;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Evaluation;

/// <summary>Scores texts one by one: BOS and the tokens in data mode, cut at the model's context.</summary>
public static class TextScorer
{
    private const int LengthSlack = 16;

    /// <summary>Scores a batch of texts.</summary>
    /// <remarks>Texts of similar lengths run together, padded to the longest one at the right; in a causal model
    /// padding does not change what comes before it. Without a BOS token the first token of a text is not
    /// scored.</remarks>
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

    // Texts of similar lengths go together, so that a long one does not make short ones long.
    private static double[] LogLikelihoods(ILanguageModelEngine engine, int[][] sequences)
    {
        var sums = new double[sequences.Length];
        int[] order = [.. Enumerable.Range(0, sequences.Length).Where(i => sequences[i].Length > 1)
            .OrderBy(i => sequences[i].Length)];
        for (int first = 0, next; first < order.Length; first = next)
        {
            int most = 2 * sequences[order[first]].Length + LengthSlack;
            for (next = first + 1; next < order.Length && sequences[order[next]].Length <= most;) next++;
            ScoreTogether(engine, sequences, order[first..next], sums);
        }

        return sums;
    }

    private static void ScoreTogether(ILanguageModelEngine engine, int[][] sequences, int[] rows, double[] sums)
    {
        int length = sequences[rows[^1]].Length;
        var tokens = new int[rows.Length * length];
        for (int row = 0; row < rows.Length; row++) sequences[rows[row]].CopyTo(tokens, row * length);
        var logProbabilities = new double[rows.Length * (length - 1)];
        engine.NextTokenLogProbabilities(tokens, rows.Length, logProbabilities);
        for (int row = 0; row < rows.Length; row++)
        {
            int predictions = sequences[rows[row]].Length - 1;
            for (int t = 0; t < predictions; t++) sums[rows[row]] += logProbabilities[row * (length - 1) + t];
        }
    }
}
