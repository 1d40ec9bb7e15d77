namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>What a learned score decides about.</summary>
public enum ScoreGranularity
{
    /// <summary>What the pruning method's pattern says: a weight, or a block.</summary>
    Pattern,

    /// <summary>A row (output feature).</summary>
    Row,

    /// <summary>In attention a head, that is, its rows of the query, key and value maps and its columns of the output
    /// map, in each of these matrices by itself; in the MLP a row.</summary>
    Head,
}
