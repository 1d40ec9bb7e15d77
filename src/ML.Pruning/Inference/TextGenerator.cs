using System.Runtime.CompilerServices;
using System.Text;
using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Inference;

/// <summary>Continues texts with a language model.</summary>
/// <remarks>Thread-safe: every call decodes on its own. The model must outlive the calls.</remarks>
public sealed class TextGenerator
{
    private readonly LanguageModel _model;
    private readonly HuggingFaceTokenizer _tokenizer;
    private readonly GenerationOptions _options;

    /// <summary>Prepares generation.</summary>
    /// <param name="model">The model, with weights and tokenizer.</param>
    /// <param name="options">How to generate; null = the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public TextGenerator(LanguageModel model, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _tokenizer = model.RequireTokenizer();
        _options = options ?? new GenerationOptions();
        _options.Validate(model.Spec);
    }

    /// <summary>Continues a prompt to the end.</summary>
    /// <param name="prompt">The prompt, in which special tokens are recognised; empty = from BOS. BOS is put before it
    /// and does not count as new.</param>
    /// <param name="onText">Told each piece of text as soon as it is complete and cannot become a stop sequence: first
    /// the prompt, then what follows; joined, the pieces are the result's text.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>The text, the new tokens, and why it ends.</returns>
    /// <exception cref="ArgumentException">The prompt is longer than the context, or empty for a model without
    /// BOS.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public GenerationResult Generate(
        string prompt, Action<string>? onText = null, CancellationToken cancellationToken = default)
    {
        Continuation continuation = Start(prompt);
        var text = new StringBuilder();
        foreach (string piece in Pieces(continuation, cancellationToken))
        {
            text.Append(piece);
            onText?.Invoke(piece);
        }

        return Result(continuation, text);
    }

    /// <summary>Continues several prompts together, which takes less time than one after the other.</summary>
    /// <remarks>Prompts may differ in length. Each text is the one that its prompt gives alone: greedily, up to the
    /// rounding of products of matrices with more rows; sampled, from a random stream of its own, which depends on the
    /// seed and on the index of the prompt (index 0 has the stream of the other methods). All prompts are kept in
    /// memory at once; give large numbers of them in portions.</remarks>
    /// <param name="prompts">The prompts, each as for
    /// <see cref="Generate(string, Action{string}, CancellationToken)"/>; may be none.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>For each prompt the text, the new tokens, and why it ends.</returns>
    /// <exception cref="ArgumentException">A prompt is null, longer than the context, or empty for a model without
    /// BOS.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<GenerationResult> Generate(
        IReadOnlyList<string> prompts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        return GenerateTogether(
            [.. prompts.Select((prompt, i) => Start(prompt, stream: i, index: i))], cancellationToken);
    }

    /// <summary>Continues a prompt piece by piece, generating only as far as the caller reads.</summary>
    /// <param name="prompt">As for <see cref="Generate(string, Action{string}, CancellationToken)"/>.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>Pieces of text: first the prompt, then what follows.</returns>
    /// <exception cref="ArgumentException">The prompt is longer than the context, or empty for a model without
    /// BOS.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<string> Stream(string prompt, CancellationToken cancellationToken = default)
    {
        EncodePrompt(prompt);
        return Pieces(prompt, cancellationToken);
    }

    /// <summary>Continues a prompt piece by piece on the thread pool, generating only as far as the caller
    /// reads.</summary>
    /// <param name="prompt">As for <see cref="Generate(string, Action{string}, CancellationToken)"/>.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>Pieces of text: first the prompt, then what follows.</returns>
    /// <exception cref="ArgumentException">The prompt is longer than the context, or empty for a model without
    /// BOS.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IAsyncEnumerable<string> StreamAsync(string prompt, CancellationToken cancellationToken = default)
    {
        EncodePrompt(prompt);
        return OnThreadPoolAsync(Pieces(prompt, cancellationToken), cancellationToken);
    }

    /// <summary>Continues prompts together, each with the random stream that it has alone.</summary>
    /// <param name="prompts">The prompts.</param>
    /// <returns>The texts.</returns>
    internal IReadOnlyList<GenerationResult> GenerateIndependently(IReadOnlyList<string> prompts) => GenerateTogether(
        [.. prompts.Select((prompt, i) => Start(prompt, stream: 0, index: i))], CancellationToken.None);

    /// <summary>Continues a prompt of tokens, generating only as far as the caller reads.</summary>
    /// <param name="promptTokens">The prompt as the model is to see it, with BOS where it wants one; at least one token
    /// and at most the context.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>What is known of the text by now, and its pieces, without the prompt.</returns>
    internal (Continuation Continuation, IAsyncEnumerable<string> Pieces) Continue(
        int[] promptTokens, CancellationToken cancellationToken)
    {
        var continuation = new Continuation(_model, _options, "", promptTokens);
        return (continuation, OnThreadPoolAsync(Pieces(continuation, cancellationToken), cancellationToken));
    }

    private static GenerationResult Result(Continuation continuation, StringBuilder text) =>
        new(text.ToString(), continuation.NewTokens, continuation.Reason!.Value);

    private Continuation Start(string prompt, int stream = 0, int? index = null) =>
        new(_model, _options, prompt, EncodePrompt(prompt, index), stream);

    private int[] EncodePrompt(string prompt, int? index = null)
    {
        string what = index is { } i ? $"Prompt {i}" : "The prompt";
        if (prompt is null) throw new ArgumentNullException(nameof(prompt), $"{what} is null.");
        ModelSpec spec = _model.Spec;
        IReadOnlyList<int> tokens = _tokenizer.EncodePrompt(prompt);
        bool addBos = spec.BosTokenId is { } bos && (tokens.Count == 0 || tokens[0] != bos);
        int[] all = addBos ? [spec.BosTokenId!.Value, .. tokens] : [.. tokens];
        if (all.Length == 0)
        {
            throw new ArgumentException(
                $"{what} is empty, and the model has no BOS token to start from; give a prompt.", nameof(prompt));
        }

        if (all.Length > spec.ContextLength)
        {
            throw new ArgumentException($"{what} has {all.Length} tokens with BOS; the model's context is "
                + $"{spec.ContextLength}. Shorten the prompt.", nameof(prompt));
        }

        return all;
    }

    private IEnumerable<string> Pieces(string prompt, CancellationToken cancellationToken)
    {
        foreach (string piece in Pieces(Start(prompt), cancellationToken)) yield return piece;
    }

    private IEnumerable<string> Pieces(Continuation continuation, CancellationToken cancellationToken)
    {
        if (continuation.Shown.Length > 0) yield return continuation.Shown;

        var logits = new float[_model.Spec.VocabularySize];
        ILanguageModelEngine engine = EngineFactory.Get(_model, _options.Engine);
        using LlmTelemetry.Operation operation = EngineFactory.StartOperation("generate", _model, engine);
        using IDecodingSession session = engine.StartDecoding(continuation.MostTokens);
        operation.Tokens("input", continuation.NextTokens.Length);
        while (continuation.Reason is null)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Append(continuation.NextTokens.Span, logits);
            string piece = continuation.Accept(logits);
            if (piece.Length > 0) yield return piece;
        }

        operation.Tokens("output", continuation.NewTokens.Count);
        operation.Complete();
    }

    private static async IAsyncEnumerable<string> OnThreadPoolAsync(
        IEnumerable<string> text, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using IEnumerator<string> pieces = text.GetEnumerator();
        while (await Task.Run(pieces.MoveNext, cancellationToken).ConfigureAwait(false)) yield return pieces.Current;
    }

    private List<GenerationResult> GenerateTogether(Continuation[] continuations, CancellationToken cancellationToken)
    {
        ILanguageModelEngine engine = EngineFactory.Get(_model, _options.Engine);
        using LlmTelemetry.Operation operation = EngineFactory.StartOperation("generate", _model, engine);
        operation.Tokens("input", continuations.Sum(c => (long)c.NextTokens.Length));
        int vocabulary = _model.Spec.VocabularySize;
        var logits = new float[continuations.Length * vocabulary];
        StringBuilder[] texts = [.. continuations.Select(c => new StringBuilder(c.Shown))];
        var sessions = new IDecodingSession?[continuations.Length];
        try
        {
            for (int i = 0; i < sessions.Length; i++)
                sessions[i] = engine.StartDecoding(continuations[i].MostTokens);
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int[] active = [.. Enumerable.Range(0, sessions.Length).Where(i => continuations[i].Reason is null)];
                if (active.Length == 0) break;

                engine.Append(
                    [.. active.Select(i => sessions[i]!)], [.. active.Select(i => continuations[i].NextTokens)],
                    logits.AsSpan(0, active.Length * vocabulary));
                for (int row = 0; row < active.Length; row++)
                {
                    int i = active[row];
                    texts[i].Append(continuations[i].Accept(logits.AsSpan(row * vocabulary, vocabulary)));
                    if (continuations[i].Reason is not null) sessions[i]!.Dispose();
                }
            }
        }
        finally
        {
            foreach (IDecodingSession? session in sessions) session?.Dispose();
        }

        operation.Tokens("output", continuations.Sum(c => (long)c.NewTokens.Count));
        operation.Complete();
        return [.. continuations.Zip(texts, Result)];
    }
}
