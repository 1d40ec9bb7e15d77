using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Inference;

/// <summary>One text while it is generated: what the model is to see next, and the pieces of text that come of its
/// logits.</summary>
/// <remarks>Not thread-safe.</remarks>
internal sealed class Continuation
{
    private readonly GenerationOptions _options;
    private readonly int _room;
    private readonly HashSet<int> _stopTokens;
    private readonly TokenSampler _sampler;
    private readonly IncrementalDecoder _decoder;
    private readonly StopSequenceFilter _filter;
    private readonly List<int> _newTokens = [];

    // Characters of the prompt that the decoder still holds back; they are shown already.
    private int _repeated;

    /// <summary>Starts with a prompt.</summary>
    /// <param name="model">The model, with tokenizer.</param>
    /// <param name="options">Validated options.</param>
    /// <param name="prompt">The prompt as written.</param>
    /// <param name="promptTokens">Its tokens with BOS, at least one and at most the context.</param>
    /// <param name="stream">Random stream of the text, at least 0.</param>
    public Continuation(
        LanguageModel model, GenerationOptions options, string prompt, int[] promptTokens, int stream = 0)
    {
        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        _options = options;
        _room = model.Spec.ContextLength - promptTokens.Length;
        MostTokens = promptTokens.Length + Math.Min(_room, options.MaxNewTokens);
        _stopTokens = [.. options.StopTokenIds ?? model.Spec.EosTokenIds];
        _sampler = new TokenSampler(options, promptTokens, stream);
        _filter = new StopSequenceFilter(options.StopSequences ?? []);
        _decoder = tokenizer.CreateIncrementalDecoder();
        int given = promptTokens.Sum(token => _decoder.Add(token).Length);
        string decoded = tokenizer.DecodeTokens(promptTokens);
        _repeated = decoded.Length - given;

        // Without special tokens in it the prompt is shown as it was written, whatever the normalizer made of it.
        Shown = tokenizer.EncodePrompt(prompt).SequenceEqual(tokenizer.EncodeData(prompt)) ? prompt : decoded;
        NextTokens = promptTokens;
        if (_room == 0) Reason = StopReason.ContextFull;
    }

    /// <summary>The prompt as the text shows it.</summary>
    public string Shown { get; }

    /// <summary>Tokens that the text has at most, prompt included.</summary>
    public int MostTokens { get; }

    /// <summary>The tokens that the model is to see next.</summary>
    public ReadOnlyMemory<int> NextTokens { get; private set; }

    /// <summary>The tokens generated, without a stop token.</summary>
    public IReadOnlyList<int> NewTokens => _newTokens;

    /// <summary>Why the text ended; null while it goes on.</summary>
    public StopReason? Reason { get; private set; }

    /// <summary>Takes the logits after <see cref="NextTokens"/>.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <returns>The text that is complete by now; often empty.</returns>
    /// <exception cref="InvalidOperationException">A logit is not finite.</exception>
    public string Accept(ReadOnlySpan<float> logits)
    {
        int token = _sampler.Next(logits);
        if (_stopTokens.Contains(token)) return End(StopReason.EndOfText);

        _newTokens.Add(token);
        NextTokens = new[] { token };
        string text = Filter(_decoder.Add(token));
        if (_filter.Stopped) Reason = StopReason.StopSequence;
        else if (_newTokens.Count == _options.MaxNewTokens) text += End(StopReason.MaxTokens);
        else if (_newTokens.Count == _room) text += End(StopReason.ContextFull);
        return text;
    }

    private string End(StopReason reason)
    {
        string text = Filter(_decoder.Flush()) + _filter.Flush();
        Reason = _filter.Stopped ? StopReason.StopSequence : reason;
        return text;
    }

    private string Filter(string piece)
    {
        int skip = Math.Clamp(_repeated, 0, piece.Length);
        _repeated -= skip;
        return _filter.Add(piece[skip..]);
    }
}
