using ML.Pruning.Calibration;
using ML.Pruning.Inference;
using ML.Pruning.Inference.Onnx;
using ML.Pruning.Models;

namespace ML.Pruning.Evaluation;

/// <summary>Perplexity on token windows.</summary>
/// <remarks>
/// <para>Each document becomes BOS (if the model has one) and its tokens; documents are joined and cut into windows of
/// L tokens without overlap, the last partial one dropped. perplexity = exp(-1/(n(L-1)) sum of log p(token | earlier
/// tokens of its window)) over n windows.</para>
/// <para>Thread-safe. Sums are float64 in the order of the windows, so equal machines give equal bits.</para>
/// </remarks>
public static class PerplexityEvaluator
{
    private const int WindowsPerCall = 16;

    /// <summary>Evaluates a model.</summary>
    /// <param name="model">The model, with weights and tokenizer.</param>
    /// <param name="documents">The corpus, in order (<see cref="TextCorpus.Read"/>).</param>
    /// <param name="sequenceLength">Tokens in a window, from 2 to the model's context.</param>
    /// <param name="engine">What runs the model.</param>
    /// <param name="cancellationToken">Stops between documents and between batches of windows.</param>
    /// <param name="progress">Told the fraction of windows done, in [0, 1].</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">The sequence length is out of range, or the corpus does not fill one
    /// window.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights or tokenizer, or its output is not
    /// finite.</exception>
    /// <exception cref="NotSupportedException">The model is an encoder.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PerplexityResult Evaluate(LanguageModel model, IEnumerable<string> documents, int sequenceLength,
        EngineKind engine = EngineKind.Auto, CancellationToken cancellationToken = default,
        IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(documents);
        CheckLength(model, sequenceLength);
        EngineArguments.RequireDecoder(model.Spec);
        TokenWindows windows = TokenWindows.Cut(documents, model, sequenceLength, cancellationToken);
        return Evaluate(model, windows, engine, cancellationToken, progress);
    }

    /// <summary>Evaluates a model on windows that are cut already.</summary>
    /// <param name="model">The model, with weights.</param>
    /// <param name="windows">The windows.</param>
    /// <param name="engine">What runs the model.</param>
    /// <param name="cancellationToken">Stops between batches of windows.</param>
    /// <param name="progress">Told the fraction of windows done, in [0, 1].</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">The windows are longer than the context, or there are none.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PerplexityResult Evaluate(LanguageModel model, TokenWindows windows,
        EngineKind engine = EngineKind.Auto, CancellationToken cancellationToken = default,
        IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(windows);
        CheckLength(model, windows.Length);
        CheckCount(windows);
        return Evaluate(model, windows, EngineFactory.Get(model, engine), cancellationToken, progress);
    }

    /// <summary>Evaluates what a model was exported to, for instance with 8-bit or 4-bit weights, to see what that
    /// costs.</summary>
    /// <param name="path">The exported folder, or the .onnx file.</param>
    /// <param name="model">The model that was exported; its tokenizer cuts the corpus.</param>
    /// <param name="documents">The corpus, in order.</param>
    /// <param name="sequenceLength">Tokens in a window, from 2 to the model's context.</param>
    /// <param name="cancellationToken">Stops between documents and between batches of windows.</param>
    /// <param name="progress">Told the fraction of windows done, in [0, 1].</param>
    /// <returns>The result.</returns>
    /// <exception cref="ArgumentException">The sequence length is out of range, or the corpus does not fill one
    /// window.</exception>
    /// <exception cref="ModelFormatException">The file is no exported decoder.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PerplexityResult EvaluateExport(string path, LanguageModel model, IEnumerable<string> documents,
        int sequenceLength, CancellationToken cancellationToken = default, IProgress<double>? progress = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(documents);
        CheckLength(model, sequenceLength);
        TokenWindows windows = TokenWindows.Cut(
            documents, model.RequireTokenizer(), model.Spec.BosTokenId, sequenceLength, cancellationToken);
        CheckCount(windows);
        using var engine = new OnnxEngine(path);
        return Evaluate(model, windows, engine, cancellationToken, progress);
    }

    private static PerplexityResult Evaluate(LanguageModel model, TokenWindows windows, ILanguageModelEngine runner,
        CancellationToken cancellationToken, IProgress<double>? progress)
    {
        using LlmTelemetry.Operation operation = EngineFactory.StartOperation("evaluate", model, runner);
        double sum = 0;
        var tokens = new int[Math.Min(WindowsPerCall, windows.Count) * windows.Length];
        var logProbabilities = new double[tokens.Length / windows.Length * (windows.Length - 1)];
        for (int start = 0; start < windows.Count; start += WindowsPerCall)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(WindowsPerCall, windows.Count - start);
            for (int i = 0; i < count; i++) windows[start + i].CopyTo(tokens.AsSpan(i * windows.Length));
            Span<double> results = logProbabilities.AsSpan(0, count * (windows.Length - 1));
            runner.NextTokenLogProbabilities(tokens.AsSpan(0, count * windows.Length), count, results);
            foreach (double logProbability in results) sum += logProbability;
            progress?.Report((double)(start + count) / windows.Count);
        }

        double mean = -sum / ((long)windows.Count * (windows.Length - 1));
        double perplexity = Math.Exp(mean);
        if (!double.IsFinite(perplexity))
        {
            throw new InvalidOperationException(
                $"The perplexity is {perplexity} (mean negative log-likelihood {mean}); the "
                + "model's weights are damaged or overflow the type they are computed in.");
        }

        operation.Tokens("input", (long)windows.Count * windows.Length);
        operation.Complete();
        return new PerplexityResult(
            perplexity, mean, windows.CorpusTokenCount, windows.Count, windows.Length, runner.Name);
    }

    private static void CheckCount(TokenWindows windows)
    {
        if (windows.Count > 0) return;
        throw new ArgumentException($"The evaluation text has {windows.CorpusTokenCount} tokens, which does not "
            + $"fill one window of {windows.Length}; give more text or a shorter sequence length.");
    }

    private static void CheckLength(LanguageModel model, int length)
    {
        if (length < 2 || length > model.Spec.ContextLength)
        {
            throw new ArgumentException($"The sequence length is {length}; it must lie between 2 and the model's "
                + $"context of {model.Spec.ContextLength} tokens.");
        }
    }
}
