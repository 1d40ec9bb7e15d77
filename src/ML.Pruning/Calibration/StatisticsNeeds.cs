namespace ML.Pruning.Calibration;

/// <summary>What calibration gathers about the inputs of linear maps.</summary>
[Flags]
public enum StatisticsNeeds
{
    /// <summary>Nothing; no calibration text is needed.</summary>
    None = 0,

    /// <summary>Sums of squares per input feature.</summary>
    SumSquares = 1,

    /// <summary>The sum of x x^T over all tokens, from which the layer's Hessian follows.</summary>
    Hessian = 2,
}
