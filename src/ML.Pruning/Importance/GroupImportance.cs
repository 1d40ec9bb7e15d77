namespace ML.Pruning.Importance;

/// <summary>How much a row or a column of a parameter matters, before the parts of a group are put together.</summary>
/// <remarks>With w a weight of the row (or column), g the mean gradient of the loss by it and F the mean of the squared
/// gradients of single windows; sums run over the row (or column). Ma et al. 2023, arXiv:2305.11627, eq. 3 to
/// 5.</remarks>
public enum GroupImportance
{
    /// <summary>Drawn at random: the baseline.</summary>
    Random,

    /// <summary>sum |w|.</summary>
    L1,

    /// <summary>sum w^2, without a root, as the authors' code has it.</summary>
    L2,

    /// <summary>|sum w g|: the first-order change of the loss when the whole row goes.</summary>
    TaylorVector,

    /// <summary>sum |w g|.</summary>
    TaylorFirst,

    /// <summary>sum w^2 F / 2.</summary>
    TaylorSecond,

    /// <summary>sum |w g - w^2 F / 2|.</summary>
    TaylorMix,
}
