using ML.Pruning.Models;
using ML.Pruning.Tokenization;

namespace ML.Pruning.Calibration;

/// <summary>A text corpus as token windows of equal length.</summary>
/// <remarks>For each document BOS (if the model has one) and its tokens in data mode, in order, joined; cut into
/// windows of <see cref="Length"/> tokens without overlap, the last partial one dropped. Immutable and
/// thread-safe.</remarks>
public sealed class TokenWindows
{
    private readonly int[] _tokens;
    private readonly int[] _order;

    private TokenWindows(int[] tokens, int length, int[] order, long corpusTokens)
    {
        _tokens = tokens;
        _order = order;
        Length = length;
        CorpusTokenCount = corpusTokens;
    }

    /// <summary>Tokens in a window.</summary>
    public int Length { get; }

    /// <summary>Number of windows.</summary>
    public int Count => _order.Length;

    /// <summary>Tokens of the whole corpus, BOS included, before the partial window was dropped.</summary>
    public long CorpusTokenCount { get; }

    /// <summary>A window.</summary>
    /// <param name="index">From 0 to <see cref="Count"/> - 1.</param>
    /// <returns>Its <see cref="Length"/> tokens.</returns>
    public ReadOnlySpan<int> this[int index] => _tokens.AsSpan(_order[index] * Length, Length);

    /// <summary>Tokenizes documents and cuts all windows.</summary>
    /// <param name="documents">The documents, in order.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="bosTokenId">Token put before each document, or null.</param>
    /// <param name="length">Tokens in a window, at least 2.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <returns>The windows, in order; possibly none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is less than 2.</exception>
    public static TokenWindows Cut(IEnumerable<string> documents, HuggingFaceTokenizer tokenizer, int? bosTokenId,
        int length, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        var tokens = new List<int>();
        foreach (string document in documents)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (bosTokenId is { } bos) tokens.Add(bos);
            tokens.AddRange(tokenizer.EncodeData(document));
        }

        return FromTokens(tokens.ToArray(), length);
    }

    /// <summary>Tokenizes documents as a model reads them and cuts all windows: of a decoder BOS before each document,
    /// of an encoder what its tokenizer puts around each, such as [CLS] and [SEP].</summary>
    /// <param name="documents">The documents, in order.</param>
    /// <param name="model">The model, with tokenizer.</param>
    /// <param name="length">Tokens in a window, at least 2.</param>
    /// <param name="cancellationToken">Stops between documents.</param>
    /// <returns>The windows, in order; possibly none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is less than 2.</exception>
    /// <exception cref="InvalidOperationException">The model has no tokenizer.</exception>
    public static TokenWindows Cut(IEnumerable<string> documents, LanguageModel model, int length,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(model);
        HuggingFaceTokenizer tokenizer = model.RequireTokenizer();
        if (model.Spec.Encoder is null)
            return Cut(documents, tokenizer, model.Spec.BosTokenId, length, cancellationToken);
        var tokens = new List<int>();
        foreach (string document in documents)
        {
            cancellationToken.ThrowIfCancellationRequested();
            tokens.AddRange(tokenizer.EncodeWhole(document, int.MaxValue).Ids);
        }

        return FromTokens([.. tokens], length);
    }

    /// <summary>Cuts windows from tokens.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="length">Tokens in a window, at least 2.</param>
    /// <returns>The windows, in order; possibly none.</returns>
    public static TokenWindows FromTokens(int[] tokens, int length)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2);
        int[] order = [.. Enumerable.Range(0, tokens.Length / length)];
        return new TokenWindows(tokens, length, order, tokens.Length);
    }

    /// <summary>The first windows.</summary>
    /// <param name="count">How many at most.</param>
    /// <returns>The first <paramref name="count"/> windows, or all when there are fewer.</returns>
    public TokenWindows Take(int count) =>
        new(_tokens, Length, [.. _order.Take(count)], CorpusTokenCount);

    /// <summary>Windows drawn without replacement.</summary>
    /// <param name="count">How many at most.</param>
    /// <param name="seed">Seed of the draw.</param>
    /// <returns>The windows in the order drawn; all of them, shuffled, when there are fewer.</returns>
    public TokenWindows Draw(int count, int seed)
    {
        int[] order = [.. _order];
        new Random(seed).Shuffle(order);
        return new TokenWindows(_tokens, Length, [.. order.Take(count)], CorpusTokenCount);
    }

    /// <summary>SHA-256 of the tokens of all windows in their order, for provenance.</summary>
    /// <returns>Lower-case hexadecimal.</returns>
    public string Hash()
    {
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(
            System.Security.Cryptography.HashAlgorithmName.SHA256);
        for (int i = 0; i < Count; i++)
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes(this[i]));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
