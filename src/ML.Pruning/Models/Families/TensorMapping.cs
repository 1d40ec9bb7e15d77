namespace ML.Pruning.Models.Families;

/// <summary>How one tensor of a checkpoint corresponds to canonical tensors.</summary>
/// <param name="SourceName">Name in the checkpoint, without the family's prefix.</param>
/// <param name="CanonicalNames">The canonical tensors that it holds, stacked by rows when there are several.</param>
/// <param name="Transposed">Whether the checkpoint stores [inFeatures, outFeatures], as GPT-2 does.</param>
/// <param name="HasPrefix">Whether the family's prefix stands before the name.</param>
public sealed record TensorMapping(
    string SourceName, IReadOnlyList<string> CanonicalNames, bool Transposed = false, bool HasPrefix = true)
{
    /// <summary>Rows in a block when the canonical tensors are stacked block by block instead of one after the other,
    /// as GPT-NeoX stacks query, key and value of each head; 0 when they are not.</summary>
    public int BlockRows { get; init; }

    /// <summary>Whether weights on an integer grid can be stored so.</summary>
    internal bool CanBeQuantized => !Transposed && BlockRows == 0;

    /// <summary>A tensor that is one canonical tensor as it stands.</summary>
    /// <param name="sourceName">Name in the checkpoint, without the family's prefix.</param>
    /// <param name="canonicalName">The canonical name.</param>
    /// <param name="hasPrefix">Whether the family's prefix stands before the name.</param>
    /// <returns>The mapping.</returns>
    public static TensorMapping Plain(string sourceName, string canonicalName, bool hasPrefix = true) =>
        new(sourceName, [canonicalName], HasPrefix: hasPrefix);
}
