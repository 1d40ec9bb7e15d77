namespace ML.Pruning.Calibration;

/// <summary>What calibration gathers about linear maps: about their inputs, and about the loss's gradients.</summary>
[Flags]
public enum StatisticsNeeds
{
    /// <summary>Nothing; no calibration text is needed.</summary>
    None = 0,

    /// <summary>Sums of squares per input feature.</summary>
    SumSquares = 1,

    /// <summary>The sum of x x^T over all tokens, from which the layer's Hessian follows.</summary>
    Hessian = 2,

    /// <summary>The gradient of the loss by each weight.</summary>
    Gradient = 4,

    /// <summary>The squared gradient of each window's loss by each weight, over all windows.</summary>
    SquaredGradient = 8,

    /// <summary>The movement of each weight in a short training run.</summary>
    Movement = 16,

    /// <summary>Sums of x and of |x|, and the largest |x|, per input feature.</summary>
    Moments = 32,
}
