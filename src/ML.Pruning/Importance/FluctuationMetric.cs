namespace ML.Pruning.Importance;

/// <summary>How much an input channel of a linear map matters by how far it strays from its mean, which a bias can
/// stand for.</summary>
/// <remarks>With var_j the sample variance of input channel j over all calibration tokens and W the map's weight. An et
/// al. 2023, arXiv:2312.11983 (FLAP), section 3.2.</remarks>
public enum FluctuationMetric
{
    /// <summary>var_j.</summary>
    Ifv,

    /// <summary>var_j times the sum over rows i of W_ij^2.</summary>
    Wifv,

    /// <summary>The mean over rows i of |W_ij| sqrt(var_j).</summary>
    Wifn,
}
