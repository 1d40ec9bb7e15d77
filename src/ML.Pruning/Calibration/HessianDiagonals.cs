namespace ML.Pruning.Calibration;

/// <summary>What is left of a factorised Hessian for scores that do not follow the update.</summary>
/// <remarks>Infinite for dead columns, so that dividing by them gives a score of 0.</remarks>
/// <param name="Asked">Damping asked for.</param>
/// <param name="Used">Damping that made the Hessian positive definite.</param>
/// <param name="Inverse">Diagonal of the inverse [features].</param>
/// <param name="Factor">Diagonal of the inverse's upper Cholesky factor [features].</param>
internal sealed record HessianDiagonals(double Asked, double Used, double[] Inverse, double[] Factor);
