namespace ML.Pruning.Recovery;

/// <summary>An endless order of examples: every one once, shuffled, then all again in another order.</summary>
/// <param name="count">Examples, at least 1.</param>
/// <param name="seed">Seed of the shuffles.</param>
internal sealed class ExampleOrder(int count, int seed)
{
    private readonly Random _random = new(seed);
    private readonly int[] _order = [.. Enumerable.Range(0, count)];
    private int _next = count;

    /// <summary>The next examples.</summary>
    /// <param name="size">How many.</param>
    /// <returns>Their indices.</returns>
    public int[] Next(int size)
    {
        var batch = new int[size];
        for (int i = 0; i < size; i++) batch[i] = Next();
        return batch;
    }

    /// <summary>Leaves examples out.</summary>
    /// <param name="size">How many.</param>
    public void Skip(long size)
    {
        for (long i = 0; i < size; i++) Next();
    }

    private int Next()
    {
        if (_next == _order.Length)
        {
            _random.Shuffle(_order);
            _next = 0;
        }

        return _order[_next++];
    }
}
