using System.Globalization;
using System.Text.Json.Nodes;

namespace ML.Pruning.Sparsity;

/// <summary>How the sparsity rises while a model is trained.</summary>
/// <remarks>
/// <para>With progress q in [0, 1], p = (q - <see cref="RampStart"/>) / (<see cref="RampFraction"/> -
/// <see cref="RampStart"/>) cut to [0, 1], first sparsity s_i and last s_f: one-shot
/// s_f; linear s_i + (s_f - s_i) p; cubic s_f + (s_i - s_f)(1 - p)^3 (Zhu and Gupta 2017, arXiv:1710.01878, eq. 1);
/// exponential 1 - (1 - s_i)^(1 - p) (1 - s_f)^p, so that the density falls by equal factors.</para>
/// <para>With n <see cref="Cycles"/> the model is pruned n times and trained in between: in cycle c = floor(n p), from
/// 0, the sparsity is the ramp's at (c + 1) / n. An exponential one from 0 keeps (1 - k)^(c + 1) of the weights, k the
/// fraction that goes each time (Frankle and Carbin 2019, arXiv:1803.03635).</para>
/// <para>Immutable and thread-safe.</para>
/// </remarks>
public sealed record SparsitySchedule
{
    private const double DefaultRamp = 0.6;

    /// <summary>The last sparsity from the start on.</summary>
    public static SparsitySchedule OneShot { get; } = new() { Kind = RampKind.OneShot };

    /// <summary>The form of the ramp.</summary>
    public RampKind Kind { get; init; } = RampKind.Cubic;

    /// <summary>Fraction of the training after which the last sparsity is reached, in (0, 1]; what is left of the
    /// training recovers at that sparsity. Without meaning for one-shot.</summary>
    public double RampFraction { get; init; } = DefaultRamp;

    /// <summary>Fraction of the training before which the sparsity does not rise, from 0 to below
    /// <see cref="RampFraction"/>.</summary>
    public double RampStart { get; init; }

    /// <summary>Times that the model is pruned, at least 1; null = at every update of the masks.</summary>
    public int? Cycles { get; init; }

    /// <summary>Reads a name.</summary>
    /// <param name="text">one-shot, linear, cubic or exponential, and for cycles of equal length a colon and their
    /// number, such as exponential:5.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="ArgumentException">The text is none of these.</exception>
    public static SparsitySchedule Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split(':');
        int? cycles = null;
        if (parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int n))
            cycles = n;
        bool isLegal = parts.Length == 1 || parts.Length == 2 && cycles >= 1;
        RampKind? kind = parts[0] switch
        {
            "one-shot" => RampKind.OneShot,
            "linear" => RampKind.Linear,
            "cubic" => RampKind.Cubic,
            "exponential" => RampKind.Exponential,
            _ => null,
        };
        if (kind is null || !isLegal)
        {
            throw new ArgumentException($"The schedule is \"{text}\"; supported: one-shot, linear, cubic, exponential, "
                + "each with a number of prune-and-train cycles if wanted, such as exponential:5.", nameof(text));
        }

        return new SparsitySchedule
        {
            Kind = kind.Value,
            RampFraction = cycles is null ? DefaultRamp : 1,
            Cycles = cycles,
        };
    }

    /// <summary>The sparsity at a point of the training.</summary>
    /// <param name="progress">Fraction of the training that is done, in [0, 1].</param>
    /// <param name="initial">First sparsity s_i, in [0, 1).</param>
    /// <param name="final">Last sparsity s_f, in [0, 1).</param>
    /// <returns>A number between the two; from <see cref="RampFraction"/> on exactly the last.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number or an option is out of range.</exception>
    public double SparsityAt(double progress, double initial, double final)
    {
        Validate();
        Require(progress is >= 0 and <= 1, progress, nameof(progress), "lie in [0, 1]");
        Require(initial is >= 0 and < 1, initial, nameof(initial), "lie in [0, 1)");
        Require(final is >= 0 and < 1, final, nameof(final), "lie in [0, 1)");
        double p = Ramp(progress);
        if (p == 1) return final;
        return Kind switch
        {
            RampKind.Linear => initial + (final - initial) * p,
            RampKind.Cubic => final + (initial - final) * Math.Pow(1 - p, 3),
            RampKind.Exponential => 1 - Math.Pow(1 - initial, 1 - p) * Math.Pow(1 - final, p),
            _ => final,
        };
    }

    /// <summary>Whether the last sparsity is reached at a point of the training.</summary>
    /// <param name="progress">Fraction of the training that is done, in [0, 1].</param>
    public bool IsComplete(double progress) => Kind == RampKind.OneShot || Ramp(progress) == 1;

    /// <summary>The options, for provenance.</summary>
    /// <returns>A new object.</returns>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["kind"] = KindName };
        if (Kind == RampKind.OneShot) return json;
        json["rampFraction"] = RampFraction;
        if (RampStart > 0) json["rampStart"] = RampStart;
        if (Cycles is not null) json["cycles"] = Cycles;
        return json;
    }

    /// <inheritdoc/>
    public override string ToString() => Cycles is null ? KindName
        : string.Create(CultureInfo.InvariantCulture, $"{KindName}:{Cycles}");

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of range.</exception>
    internal void Validate()
    {
        Require(RampFraction is > 0 and <= 1, RampFraction, nameof(RampFraction), "lie in (0, 1]");
        Require(RampStart >= 0 && RampStart < RampFraction, RampStart, nameof(RampStart),
            "be at least 0 and below RampFraction");
        Require(Cycles is null or >= 1, Cycles ?? 0, nameof(Cycles), "be at least 1");
        Require(Enum.IsDefined(Kind), (double)Kind, nameof(Kind), "be a defined kind");
    }

    // Fraction of the ramp that is done.
    private double Ramp(double progress)
    {
        double p = Math.Clamp((progress - RampStart) / (RampFraction - RampStart), 0, 1);
        return Cycles is { } cycles ? Math.Min(1, (Math.Floor(cycles * p) + 1) / cycles) : p;
    }

    private string KindName => Kind == RampKind.OneShot ? "one-shot" : Kind.ToString().ToLowerInvariant();

    private static void Require(bool isLegal, double value, string name, string legal)
    {
        if (!isLegal)
        {
            throw new ArgumentOutOfRangeException(
                name, value, $"The value '{name}' of a sparsity schedule must {legal}.");
        }
    }
}
