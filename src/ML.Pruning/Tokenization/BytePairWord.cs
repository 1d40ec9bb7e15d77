namespace ML.Pruning.Tokenization;

/// <summary>The symbols of one piece while its pairs are merged: a doubly linked list in arrays.</summary>
/// <remarks>Not thread-safe; <see cref="Rent"/> gives each thread its own.</remarks>
internal sealed class BytePairWord
{
    private const int MaxKeptLength = 1 << 16;
    private const int MaxScannedLength = 32;
    private const int NoRank = int.MaxValue;

    [ThreadStatic]
    private static BytePairWord? t_spare;

    private int _count;
    private int[] _ids = [];
    private int[] _starts = [];
    private int[] _ends = [];
    private int[] _previous = [];
    private int[] _next = [];

    // Rank and result of merging a symbol with its right neighbour; NoRank where they do not merge, or it is gone.
    private int[] _ranks = [];
    private int[] _merged = [];

    /// <summary>An empty word with room for the symbols of a piece.</summary>
    public static BytePairWord Rent(int textLength)
    {
        BytePairWord word = t_spare ?? new BytePairWord();
        t_spare = null;
        word._count = 0;
        word.Grow(textLength);
        return word;
    }

    /// <summary>Gives a word back.</summary>
    public static void Return(BytePairWord word)
    {
        if (word._ids.Length <= MaxKeptLength)
            t_spare = word;
    }

    /// <summary>Appends a symbol that stands for the characters [start, end).</summary>
    public void Add(int id, int start, int end)
    {
        if (_count == _ids.Length)
            Grow(checked(2 * _count + 4));
        _ids[_count] = id;
        _starts[_count] = start;
        _ends[_count] = end;
        _previous[_count] = _count - 1;
        _next[_count] = _count + 1;
        _count++;
    }

    /// <summary>Merges the pair of lowest rank, the leftmost first, until none merges.</summary>
    public void Merge(Dictionary<long, BytePairModel.MergeTarget> merges)
    {
        if (_count == 0)
            return;
        _next[_count - 1] = -1;
        for (int i = 0; i < _count; i++)
            Rate(i, merges);
        if (_count <= MaxScannedLength)
            MergeByScan(merges);
        else
            MergeByHeap(merges);
    }

    /// <summary>Appends what is left to <paramref name="output"/>.</summary>
    public void CopyTo(List<TokenSpan> output)
    {
        for (int i = _count == 0 ? -1 : 0; i >= 0; i = _next[i])
            output.Add(new TokenSpan(_ids[i], _starts[i], _ends[i]));
    }

    private void MergeByScan(Dictionary<long, BytePairModel.MergeTarget> merges)
    {
        while (true)
        {
            int best = 0;
            for (int i = 0; i >= 0; i = _next[i])
            {
                if (_ranks[i] < _ranks[best])
                    best = i;
            }
            if (_ranks[best] == NoRank)
                return;
            MergeWithNext(best, merges);
        }
    }

    private void MergeByHeap(Dictionary<long, BytePairModel.MergeTarget> merges)
    {
        var initial = new List<(int Symbol, long Priority)>(_count);
        for (int i = 0; i < _count; i++)
        {
            if (_ranks[i] != NoRank)
                initial.Add((i, Priority(i)));
        }
        var queue = new PriorityQueue<int, long>(initial);
        while (queue.TryDequeue(out int symbol, out long priority))
        {
            if (_ranks[symbol] == NoRank || priority != Priority(symbol))
                continue;
            MergeWithNext(symbol, merges);
            if (_ranks[symbol] != NoRank)
                queue.Enqueue(symbol, Priority(symbol));
            int left = _previous[symbol];
            if (left >= 0 && _ranks[left] != NoRank)
                queue.Enqueue(left, Priority(left));
        }
    }

    private long Priority(int symbol) => ((long)_ranks[symbol] << 32) | (uint)symbol;

    private void MergeWithNext(int symbol, Dictionary<long, BytePairModel.MergeTarget> merges)
    {
        int gone = _next[symbol];
        _ids[symbol] = _merged[symbol];
        _ends[symbol] = _ends[gone];
        _ranks[gone] = NoRank;
        _next[symbol] = _next[gone];
        if (_next[gone] >= 0)
            _previous[_next[gone]] = symbol;
        Rate(symbol, merges);
        if (_previous[symbol] >= 0)
            Rate(_previous[symbol], merges);
    }

    private void Rate(int symbol, Dictionary<long, BytePairModel.MergeTarget> merges)
    {
        int right = _next[symbol];
        if (right >= 0 && merges.TryGetValue(
            BytePairModel.PairKey(_ids[symbol], _ids[right]), out BytePairModel.MergeTarget target))
        {
            _ranks[symbol] = target.Rank;
            _merged[symbol] = target.Id;
        }
        else
            _ranks[symbol] = NoRank;
    }

    private void Grow(int length)
    {
        if (_ids.Length >= length)
            return;
        Array.Resize(ref _ids, length);
        Array.Resize(ref _starts, length);
        Array.Resize(ref _ends, length);
        Array.Resize(ref _previous, length);
        Array.Resize(ref _next, length);
        Array.Resize(ref _ranks, length);
        Array.Resize(ref _merged, length);
    }
}
