namespace ML.Pruning.Recovery.DynamicSparsity;

/// <summary>How learned scores follow their gradients.</summary>
public enum ScoreOptimizer
{
    /// <summary>S - rate * gradient: the score is the sum of what the steps said.</summary>
    Sum,

    /// <summary>Adam, without decay: each score moves by about the rate.</summary>
    Adam,
}
