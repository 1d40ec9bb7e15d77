using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>What a query may look at: itself, earlier keys and, with a sliding window, only the last of them.</summary>
internal static class CausalMask
{
    /// <summary>Makes the mask to add to the scores.</summary>
    /// <param name="queries">Number of queries T.</param>
    /// <param name="past">Keys before the first query's own.</param>
    /// <param name="window">Keys that a query sees at most, itself included, or null.</param>
    /// <param name="type">The type of the scores.</param>
    /// <returns>[T, past + T] with 0 where allowed and negative infinity elsewhere; null when all is
    /// allowed.</returns>
    public static Tensor? Make(int queries, int past, int? window, ScalarType type)
    {
        bool cut = window is { } w && w < past + queries;
        if (queries == 1 && !cut) return null;

        using DisposeScope scope = NewDisposeScope();
        Tensor closed = full(queries, past + queries, double.NegativeInfinity, dtype: type);
        Tensor mask = closed.triu(past + 1);
        if (cut) mask = mask.add(closed.tril(past - window!.Value));
        return mask.MoveToOuterDisposeScope();
    }
}
