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
    /// <param name="onText">Told each piece of text as soon as it is complete: first the prompt, then what follows;
    /// joined, the pieces are the result's text.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>The text, the new tokens, and why it ends.</returns>
    /// <exception cref="ArgumentException">The prompt is longer than the context, or empty for a model without
    /// BOS.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public GenerationResult Generate(
        string prompt, Action<string>? onText = null, CancellationToken cancellationToken = default)
    {
        int[] promptTokens = EncodePrompt(prompt);
        var text = new StringBuilder();
        var newTokens = new List<int>();
        var reason = new StrongBox<StopReason>();
        foreach (string piece in Pieces(prompt, promptTokens, newTokens, reason, cancellationToken))
        {
            text.Append(piece);
            onText?.Invoke(piece);
        }

        return new GenerationResult(text.ToString(), newTokens, reason.Value);
    }

    /// <summary>Continues a prompt piece by piece, generating only as far as the caller reads.</summary>
    /// <param name="prompt">As for <see cref="Generate"/>.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    /// <returns>Pieces of text: first the prompt, then what follows.</returns>
    /// <exception cref="ArgumentException">The prompt is longer than the context, or empty for a model without
    /// BOS.</exception>
    /// <exception cref="InvalidOperationException">The model lacks weights, or its output is not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<string> Stream(string prompt, CancellationToken cancellationToken = default) =>
        Pieces(prompt, EncodePrompt(prompt), [], new StrongBox<StopReason>(), cancellationToken);

    private int[] EncodePrompt(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ModelSpec spec = _model.Spec;
        IReadOnlyList<int> tokens = _tokenizer.EncodePrompt(prompt);
        bool addBos = spec.BosTokenId is { } bos && (tokens.Count == 0 || tokens[0] != bos);
        int[] all = addBos ? [spec.BosTokenId!.Value, .. tokens] : [.. tokens];
        if (all.Length == 0)
        {
            throw new ArgumentException("The prompt is empty, and the model has no BOS token to start from; give a "
                + "prompt.", nameof(prompt));
        }

        if (all.Length > spec.ContextLength)
        {
            throw new ArgumentException($"The prompt has {all.Length} tokens with BOS; the model's context is "
                + $"{spec.ContextLength}. Shorten the prompt.", nameof(prompt));
        }

        return all;
    }

    private IEnumerable<string> Pieces(string prompt, int[] promptTokens, List<int> newTokens,
        StrongBox<StopReason> reason, CancellationToken cancellationToken)
    {
        IncrementalDecoder decoder = _tokenizer.CreateIncrementalDecoder();
        int given = promptTokens.Sum(token => decoder.Add(token).Length);
        string decoded = _tokenizer.DecodeTokens(promptTokens);

        // Without special tokens in it the prompt is shown as it was written, whatever the normalizer made of it.
        string shown = _tokenizer.EncodePrompt(prompt).SequenceEqual(_tokenizer.EncodeData(prompt)) ? prompt : decoded;
        if (shown.Length > 0) yield return shown;

        int repeated = decoded.Length - given;
        foreach (int token in Tokens(promptTokens, reason, cancellationToken))
        {
            newTokens.Add(token);
            string piece = WithoutRepeated(decoder.Add(token), ref repeated);
            if (piece.Length > 0) yield return piece;
        }

        string rest = WithoutRepeated(decoder.Flush(), ref repeated);
        if (rest.Length > 0) yield return rest;
    }

    // The decoder may hold back the end of the prompt, which is shown already.
    private static string WithoutRepeated(string piece, ref int repeated)
    {
        int skip = Math.Clamp(repeated, 0, piece.Length);
        repeated -= skip;
        return piece[skip..];
    }

    private IEnumerable<int> Tokens(
        int[] promptTokens, StrongBox<StopReason> reason, CancellationToken cancellationToken)
    {
        HashSet<int> stops = [.. _options.StopTokenIds ?? _model.Spec.EosTokenIds];
        var sampler = new TokenSampler(_options.Temperature, _options.Seed);
        var logits = new float[_model.Spec.VocabularySize];
        using IDecodingSession session = EngineFactory.Get(_model, _options.Engine).StartDecoding();
        int[] next = promptTokens;
        for (int made = 0; made < _options.MaxNewTokens; made++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (promptTokens.Length + made >= _model.Spec.ContextLength)
            {
                reason.Value = StopReason.ContextFull;
                yield break;
            }

            session.Append(next, logits);
            int token = sampler.Next(logits);
            if (stops.Contains(token))
            {
                reason.Value = StopReason.EndOfText;
                yield break;
            }

            yield return token;
            next = [token];
        }

        reason.Value = StopReason.MaxTokens;
    }
}
