namespace ML.Pruning.Importance;

/// <summary>What a weight adds to the score of the block that it belongs to.</summary>
public enum WeightNorm
{
    /// <summary>|w|: blocks are compared by the sum of magnitudes.</summary>
    L1,

    /// <summary>w^2: blocks are compared by the sum of squares, which orders them as their L2 norms do.</summary>
    L2,
}
