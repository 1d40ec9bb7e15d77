namespace ML.Pruning.Pruning;

/// <summary>How far a pruning run is.</summary>
/// <param name="Step">What is being done, such as <c>calibrate</c> or <c>prune</c>.</param>
/// <param name="Fraction">Fraction of the whole run that is done, in [0, 1].</param>
public sealed record PruningProgress(string Step, double Fraction);
