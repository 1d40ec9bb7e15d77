namespace ML.Pruning.Importance;

/// <summary>Which terms of the Taylor series of the loss are taken.</summary>
public enum TaylorOrder
{
    /// <summary>|w g|.</summary>
    First,

    /// <summary>w^2 F / 2.</summary>
    Second,

    /// <summary>|w g - w^2 F / 2|.</summary>
    Mixed,
}
