namespace ML.Pruning.Importance;

/// <summary>How the values of an input feature over all calibration tokens become one number.</summary>
public enum ActivationNorm
{
    /// <summary>Sum of |x|.</summary>
    L1,

    /// <summary>Square root of the sum of x^2.</summary>
    L2,

    /// <summary>Largest |x|.</summary>
    LInfinity,
}
