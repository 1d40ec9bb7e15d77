using TorchSharp;
using static TorchSharp.torch;

namespace ML.Pruning.Models.Torch;

/// <summary>What a query may look at: itself, earlier keys and, with a sliding window, only the last of them.</summary>
internal static class CausalMask
{
    /// <summary>Sets the scores of keys that a query may not look at to negative infinity, in place.</summary>
    /// <param name="scores">[.., T, past + T].</param>
    /// <param name="past">Keys before the first query's own.</param>
    /// <param name="window">Keys that a query sees at most, itself included, or null.</param>
    public static void Apply(Tensor scores, int past, int? window)
    {
        using DisposeScope scope = NewDisposeScope();
        long queries = scores.shape[^2], keys = scores.shape[^1];
        if (window is { } width && width < keys)
        {
            Tensor closed = Closed(queries, keys, scores.dtype);
            scores.add_(closed.triu(past + 1).add(closed.tril(past - width)));
        }
        else if (queries > 1)
        {
            // Earlier keys are open to every query.
            Tensor closed = Closed(queries, queries, scores.dtype);
            scores.narrow(scores.ndim - 1, past, queries).add_(closed.triu(1));
        }
    }

    private static Tensor Closed(long queries, long keys, ScalarType type) =>
        full(queries, keys, double.NegativeInfinity, dtype: type);
}
