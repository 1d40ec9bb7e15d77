using System.Buffers;
using Microsoft.ML.Tokenizers;
using ML.Pruning.Tokenization.PostProcessors;

namespace ML.Pruning.Tokenization;

/// <summary>A tokenizer read from the tokenizer.json of a Hugging Face folder.</summary>
/// <remarks>
/// <para>Two ways to encode. Data (<see cref="EncodeData"/>): added and special tokens written in the text are ordinary
/// characters. Prompts (<see cref="EncodePrompt"/>, and every method of <see cref="Tokenizer"/>): they are recognised.
/// Neither adds BOS or EOS unless asked to.</para>
/// <para>Text that is not valid UTF-16 is read with U+FFFD for each unpaired surrogate.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
public sealed class HuggingFaceTokenizer : Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly Dictionary<int, string> _textOfId = [];
    private readonly AddedTokenMatcher _rawMatcher;
    private readonly AddedTokenMatcher _normalizedMatcher;

    private HuggingFaceTokenizer(TokenizerParts parts, byte[] tokenizerJson, byte[] tokenizerConfigJson)
    {
        _parts = parts;
        TokenizerJson = tokenizerJson;
        TokenizerConfigJson = tokenizerConfigJson;
        foreach ((string token, int id) in parts.Model.Vocabulary)
            _textOfId[id] = token;
        foreach (AddedToken token in parts.AddedTokens.Values)
            _textOfId[token.Id] = token.Content;
        VocabularySize = _textOfId.Count == 0 ? 0 : _textOfId.Keys.Max() + 1;
        ILookup<bool, AddedToken> added = parts.AddedTokens.Values.ToLookup(token => token.Normalized);
        _rawMatcher = new AddedTokenMatcher(added[false].Select(token => (token.Content, token)));
        _normalizedMatcher = new AddedTokenMatcher(added[true].Select(
            token => (parts.Normalizer?.Normalize(token.Content) ?? token.Content, token)));
    }

    /// <summary>The bytes of tokenizer.json, as read, or made from a SentencePiece model or a vocab.txt.</summary>
    public ReadOnlyMemory<byte> TokenizerJson { get; }

    /// <summary>The bytes of tokenizer_config.json, as read; empty where there is none.</summary>
    public ReadOnlyMemory<byte> TokenizerConfigJson { get; }

    /// <summary>The highest token id plus 1, added tokens included.</summary>
    public int VocabularySize { get; }

    /// <summary>The token that begins a text, or null where the files name none.</summary>
    public int? BosTokenId => _parts.BosTokenId;

    /// <summary>The token that ends a text, or null where the files name none.</summary>
    public int? EosTokenId => _parts.EosTokenId;

    /// <summary>The token that stands for a hidden one, or null where the files name none.</summary>
    public int? MaskTokenId => _parts.MaskTokenId;

    /// <inheritdoc/>
    public override Normalizer? Normalizer => _parts.Normalizer;

    /// <inheritdoc/>
    public override PreTokenizer? PreTokenizer => _parts.PreTokenizer;

    /// <summary>Reads the tokenizer of a model folder.</summary>
    /// <param name="folderOrFile">A folder with tokenizer.json or, without it, a SentencePiece tokenizer.model or
    /// BERT's vocab.txt; or such a file itself. tokenizer_config.json beside it is read too.</param>
    /// <exception cref="FileNotFoundException">There is no tokenizer file.</exception>
    /// <exception cref="TokenizerFormatException">A file is malformed or asks for something not supported.</exception>
    public static HuggingFaceTokenizer Load(string folderOrFile) => TokenizerFiles.Load(folderOrFile);

    /// <summary>Reads a tokenizer from the contents of its files.</summary>
    /// <param name="tokenizerJson">The bytes of tokenizer.json.</param>
    /// <param name="tokenizerConfigJson">The bytes of tokenizer_config.json; may be empty.</param>
    /// <exception cref="TokenizerFormatException">A file is malformed or asks for something not supported.</exception>
    public static HuggingFaceTokenizer Parse(
        ReadOnlySpan<byte> tokenizerJson, ReadOnlySpan<byte> tokenizerConfigJson = default)
        => new(
            TokenizerParts.Parse(tokenizerJson, tokenizerConfigJson),
            tokenizerJson.ToArray(),
            tokenizerConfigJson.ToArray());

    /// <summary>Encodes text of a data file: nothing in it is a special token, and none is added.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>The token ids, without BOS or EOS.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public IReadOnlyList<int> EncodeData(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var collector = new TokenCollector(_parts, normalize: true, cut: true);
        collector.AddPlain(Utf16Text.Repair(text));
        return Ids(collector.Tokens);
    }

    /// <summary>Encodes text of a data file as one input of an encoder: its tokens with what the post-processor adds
    /// around them, such as [CLS] and [SEP].</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maximumLength">Tokens at most; the end of the text is cut off so that all fits.</param>
    /// <returns>The token ids, and how many were cut off.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">What is added alone is longer.</exception>
    public (IReadOnlyList<int> Ids, int CutOff) EncodeWhole(string text, int maximumLength)
    {
        IReadOnlyList<int> tokens = EncodeData(text);
        int room = maximumLength - _parts.Templates.Sum(t => t.Before.Count + t.After.Count);
        ArgumentOutOfRangeException.ThrowIfNegative(room, nameof(maximumLength));
        return (WithTemplates(tokens.Take(room)), Math.Max(0, tokens.Count - room));
    }

    /// <summary>Encodes a prompt: added and special tokens written in it are recognised.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="addSpecialTokens">True to add what the post-processor adds, BOS as a rule.</param>
    /// <returns>The token ids.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public IReadOnlyList<int> EncodePrompt(string text, bool addSpecialTokens = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> ids = Ids(Collect(text, normalize: true, cut: true).Tokens);
        return addSpecialTokens ? WithTemplates(ids) : ids;
    }

    /// <summary>The text of token ids.</summary>
    /// <param name="ids">Ids of 0 or more; one without a token adds nothing.</param>
    /// <param name="skipSpecialTokens">True to leave special tokens out.</param>
    /// <exception cref="ArgumentNullException"><paramref name="ids"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    public string DecodeTokens(IEnumerable<int> ids, bool skipSpecialTokens = true)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var tokens = new List<string>();
        foreach (int id in ids)
        {
            ThrowIfNegative(id);
            if (_textOfId.TryGetValue(id, out string? text) && !(skipSpecialTokens && IsSpecial(id)))
                tokens.Add(text);
        }
        return _parts.Decoder is { } decoder ? string.Concat(decoder.Decode(tokens)) : string.Join(' ', tokens);
    }

    /// <summary>A decoder for ids that come one by one.</summary>
    /// <param name="skipSpecialTokens">True to leave special tokens out.</param>
    public IncrementalDecoder CreateIncrementalDecoder(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>Whether an id is a special token, such as BOS.</summary>
    /// <param name="id">Any id.</param>
    public bool IsSpecial(int id) => _parts.AddedTokens.TryGetValue(id, out AddedToken? token) && token.Special;

    /// <inheritdoc/>
    public override string Decode(IEnumerable<int> ids) => DecodeTokens(ids);

    /// <inheritdoc/>
    /// <remarks>Special tokens are left out. <paramref name="idsConsumed"/> counts the ids whose text was written in
    /// full. A negative id gives <see cref="OperationStatus.InvalidData"/>.</remarks>
    public override OperationStatus Decode(
        IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
    {
        ArgumentNullException.ThrowIfNull(ids);
        idsConsumed = 0;
        charsWritten = 0;
        int seen = 0;
        IncrementalDecoder decoder = CreateIncrementalDecoder();
        foreach (int id in ids)
        {
            if (id < 0)
                return OperationStatus.InvalidData;
            string text = decoder.Add(id);
            seen++;
            if (text.Length == 0)
                continue;
            if (!text.TryCopyTo(destination[charsWritten..]))
                return OperationStatus.DestinationTooSmall;
            charsWritten += text.Length;
            idsConsumed = seen;
        }
        string rest = decoder.Flush();
        if (!rest.TryCopyTo(destination[charsWritten..]))
            return OperationStatus.DestinationTooSmall;
        charsWritten += rest.Length;
        idsConsumed = seen;
        return OperationStatus.Done;
    }

    internal bool HasText(int id, bool skipSpecialTokens)
        => _textOfId.ContainsKey(id) && !(skipSpecialTokens && IsSpecial(id));

    internal void ThrowIfNegative(int id)
    {
        if (id < 0)
            throw new ArgumentOutOfRangeException(
                nameof(id), id, $"Token id {id} is negative; this tokenizer has ids from 0 to {VocabularySize - 1}.");
    }

    /// <inheritdoc/>
    /// <remarks>Added tokens are recognised. A token count that would cut a character apart is cut before it.</remarks>
    protected override EncodeResults<EncodedToken> EncodeToTokens(
        string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        TokenCollector collector = Collect(
            text ?? textSpan.ToString(), settings.ConsiderNormalization, settings.ConsiderPreTokenization);
        bool normalized = settings.ConsiderNormalization && _parts.Normalizer is not null;
        string encodedText = collector.NormalizedText;
        List<TokenSpan> spans = collector.Tokens;
        int kept = Math.Min(spans.Count, settings.MaxTokenCount);
        while (kept > 0 && kept < spans.Count && spans[kept].Start < spans[kept - 1].End)
            kept--;
        var tokens = new EncodedToken[kept];
        for (int i = 0; i < kept; i++)
            tokens[i] = new EncodedToken(spans[i].Id, _textOfId[spans[i].Id], spans[i].Start..spans[i].End);
        return new EncodeResults<EncodedToken>
        {
            Tokens = tokens,
            NormalizedText = normalized ? encodedText : null,
            CharsConsumed = kept == spans.Count ? encodedText.Length : kept == 0 ? 0 : spans[kept - 1].End,
        };
    }

    private List<int> WithTemplates(IEnumerable<int> ids) => [.. _parts.Templates.Aggregate(
        ids, (inner, template) => template.Before.Concat(inner).Concat(template.After))];

    private static List<int> Ids(List<TokenSpan> tokens) => tokens.ConvertAll(token => token.Id);

    private TokenCollector Collect(string text, bool normalize, bool cut)
    {
        var collector = new TokenCollector(_parts, normalize, cut);
        collector.AddPrompt(Utf16Text.Repair(text), _rawMatcher, _normalizedMatcher);
        return collector;
    }
}
