namespace ML.Pruning.Recovery;

/// <summary>How the learning rate goes down after the warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>Half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, one cycle).</summary>
    Cosine,

    /// <summary>A straight line.</summary>
    Linear,

    /// <summary>Not at all.</summary>
    Constant,
}
