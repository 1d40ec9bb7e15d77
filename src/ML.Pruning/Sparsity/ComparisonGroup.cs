namespace ML.Pruning.Sparsity;

/// <summary>Which weights compete with each other: the lowest scores of each group go.</summary>
public enum ComparisonGroup
{
    /// <summary>Each output row of a tensor.</summary>
    Row,

    /// <summary>All rows x 128 input columns of a tensor; the last tile may be narrower.</summary>
    Tile,

    /// <summary>Each tensor.</summary>
    Tensor,

    /// <summary>All tensors of one layer together.</summary>
    Layer,

    /// <summary>All tensors of the model together.</summary>
    Model,
}
