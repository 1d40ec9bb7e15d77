namespace ML.Pruning.Models;

/// <summary>How rotary frequencies are stretched for contexts longer than the one trained on.</summary>
public enum RopeScalingKind
{
    /// <summary>Every frequency divided by the factor (position interpolation, arXiv:2306.15595).</summary>
    Linear,

    /// <summary>LLaMA 3.1: low frequencies divided by the factor, high ones kept, a smooth ramp between.</summary>
    Llama3,

    /// <summary>LongRoPE (Ding et al. 2024, arXiv:2402.13753), Phi-3's "su": each frequency divided by a factor of its
    /// own, one list for sequences within the original context and one for longer ones; cosines and sines times
    /// <see cref="RopeScaling.AttentionFactor"/>.</summary>
    LongRope,
}

/// <summary>A rotary scaling and its constants.</summary>
public sealed record RopeScaling
{
    /// <summary>The rule.</summary>
    public required RopeScalingKind Kind { get; init; }

    /// <summary>The stretch, at least 1.</summary>
    public required double Factor { get; init; }

    /// <summary>Llama3: wavelengths longer than context / this are divided by <see cref="Factor"/>.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama3: wavelengths shorter than context / this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>Llama3, LongRope: the context length trained on.</summary>
    public int OriginalContextLength { get; init; } = 8192;

    /// <summary>LongRope: a divisor for each pair of turning dimensions, for sequences of at most
    /// <see cref="OriginalContextLength"/> tokens.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary>LongRope: the divisors for longer sequences.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    /// <summary>LongRope: factor of cosines and sines.</summary>
    public double AttentionFactor { get; init; } = 1;

    /// <summary>Applies the scaling to a frequency.</summary>
    /// <param name="frequency">theta^(-2i/d), in radians per position.</param>
    /// <param name="pair">Which pair i of turning dimensions, from 0.</param>
    /// <param name="isLong">Whether the sequence is longer than <see cref="OriginalContextLength"/>.</param>
    /// <returns>The scaled frequency.</returns>
    public double Scale(double frequency, int pair, bool isLong)
    {
        if (Kind == RopeScalingKind.Linear) return frequency / Factor;
        if (Kind == RopeScalingKind.LongRope) return frequency / (isLong ? LongFactors : ShortFactors)[pair];

        double wavelength = 2 * Math.PI / frequency;
        if (wavelength > OriginalContextLength / LowFrequencyFactor) return frequency / Factor;
        if (wavelength < OriginalContextLength / HighFrequencyFactor) return frequency;

        double smooth = (OriginalContextLength / wavelength - LowFrequencyFactor)
            / (HighFrequencyFactor - LowFrequencyFactor);
        return (1 - smooth) * frequency / Factor + smooth * frequency;
    }
}
