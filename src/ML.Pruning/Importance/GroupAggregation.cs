namespace ML.Pruning.Importance;

/// <summary>How the scores of the parameters in a group become the group's.</summary>
/// <remarks>Ma et al. 2023, arXiv:2305.11627, section 3.2. Within a head the scores of its channels, so put together,
/// are added up.</remarks>
public enum GroupAggregation
{
    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Their mean.</summary>
    Mean,

    /// <summary>Their product.</summary>
    Prod,

    /// <summary>The largest.</summary>
    Max,

    /// <summary>That of the last one in the forward pass alone (down, the attention output, the head).</summary>
    Last,
}
