using System.Text;

namespace ML.Pruning.Tokenization;

/// <summary>Byte-pair encoding: characters become tokens, and pairs are merged, the lowest rank first.</summary>
/// <remarks>
/// <para>Sennrich et al. 2016, arXiv:1508.07909; details (unknown tokens, byte fallback, prefixes) as in the Hugging
/// Face library. Among equal ranks the leftmost pair is merged first. O(n log n) for a piece of n characters.</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
internal sealed class BytePairModel : TokenModel
{
    private readonly Dictionary<string, int> _vocabulary;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly Dictionary<long, MergeTarget> _merges;
    private readonly BytePairOptions _options;
    private readonly int[] _characterIds;
    private readonly int[]? _byteIds;
    private readonly int _unknownId = -1;

    /// <summary>Makes the model.</summary>
    /// <param name="vocabulary">Token to id, compared ordinally.</param>
    /// <param name="merges">Key <see cref="PairKey"/> of two ids to rank and id of their union.</param>
    /// <param name="options">The switches; a non-null unknown token is in the vocabulary.</param>
    public BytePairModel(
        Dictionary<string, int> vocabulary, Dictionary<long, MergeTarget> merges, BytePairOptions options)
    {
        _vocabulary = vocabulary;
        _lookup = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _merges = merges;
        _options = options;
        if (options.UnknownToken is { } unknown)
            _unknownId = vocabulary[unknown];
        if (options.ByteFallback)
        {
            _byteIds = new int[256];
            for (int value = 0; value < 256; value++)
                _byteIds[value] = vocabulary.GetValueOrDefault($"<0x{value:X2}>", -1);
        }
        _characterIds = new int[char.MaxValue + 1];
        _characterIds.AsSpan().Fill(-1);
        foreach ((string token, int id) in vocabulary)
        {
            if (token.Length == 1)
                _characterIds[token[0]] = id;
        }
    }

    /// <summary>Rank and result of a merge.</summary>
    internal readonly record struct MergeTarget(int Rank, int Id);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, int> Vocabulary => _vocabulary;

    /// <summary>The key of a pair of ids in the table of merges.</summary>
    public static long PairKey(int left, int right) => ((long)left << 32) | (uint)right;

    /// <inheritdoc/>
    public override void Encode(string text, List<TokenSpan> output)
    {
        if (text.Length == 0)
            return;
        if (_options.IgnoreMerges && _vocabulary.TryGetValue(text, out int whole))
        {
            output.Add(new TokenSpan(whole, 0, text.Length));
            return;
        }
        BytePairWord word = BytePairWord.Rent(text.Length);
        AddCharacters(text, word);
        word.Merge(_merges);
        word.CopyTo(output);
        BytePairWord.Return(word);
    }

    private void AddCharacters(string text, BytePairWord word)
    {
        bool plain = _options.ContinuingPrefix.Length == 0 && _options.EndOfWordSuffix.Length == 0;
        int unknownStart = -1;
        int unknownEnd = -1;
        for (int at = 0; at < text.Length;)
        {
            int end = at + (char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1);
            ReadOnlySpan<char> symbol = plain ? text.AsSpan(at, end - at) : Decorate(text, at, end);
            int id = IdOf(symbol);
            bool covered = id >= 0;
            if (covered || !_options.FuseUnknown || CanWriteBytes(symbol))
                FlushUnknown(word, ref unknownStart, unknownEnd);
            if (covered)
                word.Add(id, at, end);
            else if (!AddBytes(symbol, at, end, word) && _unknownId >= 0)
            {
                unknownStart = unknownStart < 0 ? at : unknownStart;
                unknownEnd = end;
            }
            at = end;
        }
        FlushUnknown(word, ref unknownStart, unknownEnd);
    }

    private int IdOf(ReadOnlySpan<char> symbol)
    {
        if (symbol.Length == 1)
            return _characterIds[symbol[0]];
        return _lookup.TryGetValue(symbol, out int id) ? id : -1;
    }

    private void FlushUnknown(BytePairWord word, ref int start, int end)
    {
        if (start >= 0)
            word.Add(_unknownId, start, end);
        start = -1;
    }

    private string Decorate(string text, int start, int end)
        => string.Concat(
            start == 0 ? "" : _options.ContinuingPrefix,
            text.AsSpan(start, end - start),
            end == text.Length ? _options.EndOfWordSuffix : "");

    private bool CanWriteBytes(ReadOnlySpan<char> symbol)
    {
        if (_byteIds is null)
            return false;
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(symbol.Length)];
        int count = Encoding.UTF8.GetBytes(symbol, bytes);
        foreach (byte value in bytes[..count])
        {
            if (_byteIds[value] < 0)
                return false;
        }
        return true;
    }

    private bool AddBytes(ReadOnlySpan<char> symbol, int start, int end, BytePairWord word)
    {
        if (!CanWriteBytes(symbol))
            return false;
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(symbol.Length)];
        int count = Encoding.UTF8.GetBytes(symbol, bytes);
        foreach (byte value in bytes[..count])
            word.Add(_byteIds![value], start, end);
        return true;
    }
}
