namespace ML.Pruning.Models;

/// <summary>How a hidden vector is normalised.</summary>
public enum NormKind
{
    /// <summary>x / sqrt(mean(x^2) + eps) * gain (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
    RmsNorm,

    /// <summary>x / sqrt(sum(x^2) / hidden size + eps), without a gain: what is left of the other two when gains,
    /// biases and means are folded into the linear maps around them (SliceGPT). The sum may run over a sliced
    /// stream.</summary>
    PlainRmsNorm,

    /// <summary>(x - mean) / sqrt(variance + eps) * gain + bias (Ba et al. 2016, arXiv:1607.06450).</summary>
    LayerNorm,
}

/// <summary>How a model knows the position of a token.</summary>
public enum PositionKind
{
    /// <summary>Rotary embedding of queries and keys (Su et al. 2021, arXiv:2104.09864), halves rotated as in
    /// Hugging Face's LLaMA.</summary>
    Rotary,

    /// <summary>A learned vector per position, added to the token embedding.</summary>
    Learned,

    /// <summary>Attention scores fall with the distance of key and query, for each head by its own slope (Press et al.
    /// 2021, arXiv:2108.12409).</summary>
    Alibi,
}

/// <summary>The non-linearity of the MLP.</summary>
public enum ActivationKind
{
    /// <summary>x * sigmoid(x).</summary>
    Silu,

    /// <summary>x * Phi(x), with the exact error function.</summary>
    Gelu,

    /// <summary>x * Phi(x) by the tanh approximation (Hugging Face's gelu_new).</summary>
    GeluTanh,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>tanh(x): of poolers.</summary>
    Tanh,
}
