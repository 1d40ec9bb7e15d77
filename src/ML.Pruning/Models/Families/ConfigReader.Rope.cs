using System.Text.Json.Nodes;

namespace ML.Pruning.Models.Families;

/// <content>Rotary positions.</content>
internal sealed partial class ConfigReader
{
    /// <summary>Base, scaling and extent of rotary positions, in the old and the new spelling.</summary>
    /// <param name="defaultTheta">The base when <c>rope_theta</c> is not there.</param>
    /// <param name="fractionKey">The key of the fraction of a head's dimensions that turn; null = all must.</param>
    /// <param name="defaultFraction">The fraction when the key is not there.</param>
    public Rotary Rope(double defaultTheta, string? fractionKey = null, double defaultFraction = 1)
    {
        var rotary = new Rotary(
            Double("rope_theta", defaultTheta), null,
            fractionKey is null ? 1 : Double(fractionKey, defaultFraction), fractionKey is not null);
        ConfigReader? scaling = Object("rope_scaling") ?? Object("rope_parameters");
        return scaling?.ReadRope(rotary, this) ?? rotary;
    }

    private Rotary ReadRope(Rotary rotary, ConfigReader outer)
    {
        if (config.FirstOrDefault(item => item.Value is JsonObject) is { Key: { } inner })
        {
            throw new ModelFormatException($"config.json: '{path}{inner}' is an object: rotary positions that differ "
                + "between layers are not supported.");
        }

        rotary = rotary with { Theta = Double("rope_theta", rotary.Theta) };
        if (rotary.MayBePartial)
            rotary = rotary with { Fraction = Double("partial_rotary_factor", rotary.Fraction) };
        string kind = String("rope_type", String("type", "default"));
        return kind switch
        {
            "default" => rotary,
            "linear" => rotary with { Scaling = new() { Kind = RopeScalingKind.Linear, Factor = Factor() } },
            "llama3" => rotary with { Scaling = Llama3() },
            "longrope" or "su" => rotary with { Scaling = LongRope(outer) },
            _ => throw new ModelFormatException($"config.json: the rotary scaling is \"{kind}\"; supported: default, "
                + "linear, llama3, longrope, su."),
        };
    }

    private RopeScaling Llama3()
    {
        var scaling = new RopeScaling
        {
            Kind = RopeScalingKind.Llama3,
            Factor = Factor(),
            LowFrequencyFactor = Double("low_freq_factor"),
            HighFrequencyFactor = Double("high_freq_factor"),
            OriginalContextLength = Int("original_max_position_embeddings"),
        };
        if (!(scaling.LowFrequencyFactor > 0 && scaling.HighFrequencyFactor > scaling.LowFrequencyFactor
            && double.IsFinite(scaling.HighFrequencyFactor)))
        {
            throw new ModelFormatException($"config.json: '{path}low_freq_factor' is {scaling.LowFrequencyFactor} and "
                + $"'{path}high_freq_factor' is {scaling.HighFrequencyFactor}; the first must be positive, the second "
                + "greater.");
        }

        return scaling.OriginalContextLength > 0
            ? scaling
            : throw new ModelFormatException($"config.json: '{path}original_max_position_embeddings' is "
                + $"{scaling.OriginalContextLength}; it must be at least 1.");
    }

    // Phi-3 has the original context beside the new one in the outer object, and the ratio of both is the factor.
    private RopeScaling LongRope(ConfigReader outer)
    {
        foreach (string key in (string[])["short_mscale", "long_mscale"])
        {
            if (Has(key))
                throw new ModelFormatException($"config.json: '{path}{key}' is not supported.");
        }

        int context = outer.Int("max_position_embeddings");
        int? own = outer.IntOrNull("original_max_position_embeddings") ?? IntOrNull("original_max_position_embeddings");
        int original = own ?? context;
        double factor = own is null ? Factor() : (double)context / original;
        if (original < 2)
        {
            throw new ModelFormatException($"config.json: 'original_max_position_embeddings' is {original}; it must be "
                + "at least 2.");
        }

        double byDefault = factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original));
        return new RopeScaling
        {
            Kind = RopeScalingKind.LongRope,
            Factor = factor,
            OriginalContextLength = original,
            ShortFactors = Factors("short_factor"),
            LongFactors = Factors("long_factor"),
            AttentionFactor = Double("attention_factor", byDefault),
        };
    }

    private IReadOnlyList<double> Factors(string key) => Doubles(key)
        ?? throw new ModelFormatException($"config.json has no '{path}{key}'; this rotary scaling needs it.");

    private double Factor()
    {
        double factor = Double("factor");
        return factor >= 1 && double.IsFinite(factor)
            ? factor
            : throw new ModelFormatException($"config.json: '{path}factor' is {factor}; it must be at least 1.");
    }

    /// <summary>What a configuration says of rotary positions.</summary>
    /// <param name="Theta">The base of the frequencies.</param>
    /// <param name="Scaling">Their stretch, if any.</param>
    /// <param name="Fraction">The fraction of a head's dimensions that turn.</param>
    /// <param name="MayBePartial">Whether the family supports a fraction below 1.</param>
    internal sealed record Rotary(double Theta, RopeScaling? Scaling, double Fraction, bool MayBePartial);
}
