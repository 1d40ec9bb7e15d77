namespace ML.Pruning.Pruning.Structured;

/// <summary>What the parameters of a dependency group make up together.</summary>
public enum GroupKind
{
    /// <summary>A key/value head with all query heads that read it: rows of query, key and value, columns of the
    /// attention output.</summary>
    Heads,

    /// <summary>A neuron of an MLP: rows of gate and up, a column of down.</summary>
    Neuron,

    /// <summary>A channel of the residual stream: everything that reads or writes it, in all layers.</summary>
    Channel,

    /// <summary>A whole layer, which the residual stream passes by when it is gone.</summary>
    Layer,
}
