namespace ML.Pruning.Models;

/// <summary>How rotary frequencies are stretched for contexts longer than the one trained on.</summary>
public enum RopeScalingKind
{
    /// <summary>Every frequency divided by the factor (position interpolation, arXiv:2306.15595).</summary>
    Linear,

    /// <summary>LLaMA 3.1: low frequencies divided by the factor, high ones kept, a smooth ramp between.</summary>
    Llama3,
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

    /// <summary>Llama3: the context length trained on.</summary>
    public int OriginalContextLength { get; init; } = 8192;

    /// <summary>Applies the scaling to a frequency.</summary>
    /// <param name="frequency">theta^(-2i/d), in radians per position.</param>
    /// <returns>The scaled frequency.</returns>
    public double Scale(double frequency)
    {
        if (Kind == RopeScalingKind.Linear) return frequency / Factor;

        double wavelength = 2 * Math.PI / frequency;
        if (wavelength > OriginalContextLength / LowFrequencyFactor) return frequency / Factor;
        if (wavelength < OriginalContextLength / HighFrequencyFactor) return frequency;

        double smooth = (OriginalContextLength / wavelength - LowFrequencyFactor)
            / (HighFrequencyFactor - LowFrequencyFactor);
        return (1 - smooth) * frequency / Factor + smooth * frequency;
    }
}
