namespace ML.Pruning.Sparsity;

/// <summary>Any single weight may be zero.</summary>
public sealed record UnstructuredPattern : SparsityPattern
{
    /// <inheritdoc/>
    public override string ToString() => "unstructured";
}
