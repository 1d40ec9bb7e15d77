using System.Buffers;

namespace Microsoft.ML.Tokenizers;

/// <summary>Text to token ids and back. A subclass gives EncodeToTokens and Decode into a span.</summary>
public abstract class Tokenizer
{
    protected Tokenizer()
    {
    }

    public virtual Normalizer Normalizer => null;

    public virtual PreTokenizer PreTokenizer => null;

    public int CountTokens(string text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        return CountTokens(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization));
    }

    public int CountTokens(
        ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true)
        => CountTokens(null, text, Settings(considerPreTokenization, considerNormalization));

    public virtual string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        int count = ids is ICollection<int> collection ? collection.Count : 16;
        var buffer = new char[Math.Max(64, Math.Min(count, 1 << 24) * 8)];
        while (true)
        {
            OperationStatus status = Decode(ids, buffer, out _, out int written);
            if (status == OperationStatus.Done)
                return new string(buffer, 0, written);
            if (status != OperationStatus.DestinationTooSmall)
                throw new InvalidOperationException($"The ids cannot be decoded: {status}.");
            buffer = new char[checked(buffer.Length * 2)];
        }
    }

    public abstract OperationStatus Decode(
        IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten);

    public IReadOnlyList<int> EncodeToIds(
        string text, bool considerPreTokenization = true, bool considerNormalization = true)
    {
        return EncodeToIds(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization)).Tokens;
    }

    public IReadOnlyList<int> EncodeToIds(
        ReadOnlySpan<char> text, bool considerPreTokenization = true, bool considerNormalization = true)
        => EncodeToIds(null, text, Settings(considerPreTokenization, considerNormalization)).Tokens;

    public IReadOnlyList<int> EncodeToIds(
        string text,
        int maxTokenCount,
        out string normalizedText,
        out int charsConsumed,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        EncodeResults<int> results = EncodeToIds(text, text.AsSpan(), settings);
        normalizedText = results.NormalizedText;
        charsConsumed = results.CharsConsumed;
        return results.Tokens;
    }

    public IReadOnlyList<int> EncodeToIds(
        ReadOnlySpan<char> text,
        int maxTokenCount,
        out string normalizedText,
        out int charsConsumed,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        EncodeResults<int> results = EncodeToIds(null, text, settings);
        normalizedText = results.NormalizedText;
        charsConsumed = results.CharsConsumed;
        return results.Tokens;
    }

    public IReadOnlyList<EncodedToken> EncodeToTokens(
        string text,
        out string normalizedText,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeResults<EncodedToken> results =
            EncodeToTokens(text, text.AsSpan(), Settings(considerPreTokenization, considerNormalization));
        normalizedText = results.NormalizedText;
        return results.Tokens;
    }

    public IReadOnlyList<EncodedToken> EncodeToTokens(
        ReadOnlySpan<char> text,
        out string normalizedText,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        EncodeResults<EncodedToken> results =
            EncodeToTokens(null, text, Settings(considerPreTokenization, considerNormalization));
        normalizedText = results.NormalizedText;
        return results.Tokens;
    }

    public int GetIndexByTokenCount(
        string text,
        int maxTokenCount,
        out string normalizedText,
        out int tokenCount,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(text, text.AsSpan(), settings, false, out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCount(
        ReadOnlySpan<char> text,
        int maxTokenCount,
        out string normalizedText,
        out int tokenCount,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(null, text, settings, false, out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCountFromEnd(
        string text,
        int maxTokenCount,
        out string normalizedText,
        out int tokenCount,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        ArgumentNullException.ThrowIfNull(text);
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(text, text.AsSpan(), settings, true, out normalizedText, out tokenCount);
    }

    public int GetIndexByTokenCountFromEnd(
        ReadOnlySpan<char> text,
        int maxTokenCount,
        out string normalizedText,
        out int tokenCount,
        bool considerPreTokenization = true,
        bool considerNormalization = true)
    {
        EncodeSettings settings = Settings(considerPreTokenization, considerNormalization, maxTokenCount);
        return GetIndexByTokenCount(null, text, settings, true, out normalizedText, out tokenCount);
    }

    protected virtual int CountTokens(string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
        => EncodeToTokens(text, textSpan, settings).Tokens.Count;

    protected virtual EncodeResults<int> EncodeToIds(
        string text, ReadOnlySpan<char> textSpan, EncodeSettings settings)
    {
        EncodeResults<EncodedToken> results = EncodeToTokens(text, textSpan, settings);
        var ids = new int[results.Tokens.Count];
        for (int i = 0; i < ids.Length; i++)
            ids[i] = results.Tokens[i].Id;
        return new EncodeResults<int>
        {
            Tokens = ids,
            NormalizedText = results.NormalizedText,
            CharsConsumed = results.CharsConsumed,
        };
    }

    protected abstract EncodeResults<EncodedToken> EncodeToTokens(
        string text, ReadOnlySpan<char> textSpan, EncodeSettings settings);

    protected virtual int GetIndexByTokenCount(
        string text,
        ReadOnlySpan<char> textSpan,
        EncodeSettings settings,
        bool fromEnd,
        out string normalizedText,
        out int tokenCount)
    {
        int wanted = settings.MaxTokenCount;
        if (wanted <= 0)
            throw new ArgumentOutOfRangeException("maxTokenCount", wanted, "The token count must be greater than 0.");
        settings.MaxTokenCount = int.MaxValue;
        EncodeResults<EncodedToken> results = EncodeToTokens(text, textSpan, settings);
        normalizedText = results.NormalizedText;
        tokenCount = Math.Min(results.Tokens.Count, wanted);
        int length = normalizedText is null ? textSpan.Length : normalizedText.Length;
        if (fromEnd)
            return tokenCount == 0 ? length : results.Tokens[results.Tokens.Count - tokenCount].Offset.Start.Value;
        return tokenCount == 0 ? 0 : results.Tokens[tokenCount - 1].Offset.End.Value;
    }

    private static EncodeSettings Settings(bool preTokenization, bool normalization, int maxTokenCount = int.MaxValue)
    {
        if (maxTokenCount <= 0)
            throw new ArgumentOutOfRangeException(
                nameof(maxTokenCount), maxTokenCount, "The maximum number of tokens must be greater than 0.");
        return new EncodeSettings
        {
            ConsiderPreTokenization = preTokenization,
            ConsiderNormalization = normalization,
            MaxTokenCount = maxTokenCount,
        };
    }
}
