namespace ML.Pruning.Models.Torch;

/// <summary>Consecutive tokens of one sequence among the packed tokens of several.</summary>
/// <param name="Count">Number of tokens.</param>
/// <param name="Caches">Per layer the keys and values of the sequence's earlier tokens.</param>
internal readonly record struct CachedRun(int Count, IReadOnlyList<KeyValueCache> Caches)
{
    /// <summary>Tokens of the sequence that came before, which is the position of the run's first token. Once a layer
    /// has appended the run it is no longer so for that layer.</summary>
    public int Past => Caches[0].Length;
}
