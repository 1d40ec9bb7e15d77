using System.Text.Json.Nodes;
using ML.Pruning.Calibration;

namespace ML.Pruning.Importance;

/// <summary>Scores each weight by its absolute value times a power of a norm of its input feature.</summary>
/// <remarks>
/// <para>score[o, i] = |W[o, i]| ||X_i||_p^alpha over all calibration tokens; in float64, rounded to float32. With p =
/// 2 and alpha = 1 it is <see cref="WandaCriterion"/>; Sun et al. 2023, arXiv:2306.11695, compare the norms. Powers
/// below 1, which give weights more and activations less say, are used by Zhang et al. 2024 (RIA, alpha = 0.5); alpha =
/// 0 is magnitude.</para>
/// <para>Thread-safe.</para>
/// </remarks>
public sealed class ActivationNormCriterion : IWeightCriterion
{
    /// <summary>Creates the criterion.</summary>
    /// <param name="norm">The norm.</param>
    /// <param name="exponent">alpha, at least 0.</param>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public ActivationNormCriterion(ActivationNorm norm, double exponent = 1)
    {
        if (!Enum.IsDefined(norm)) throw new ArgumentException($"The norm is {norm}; choose L1, L2 or LInfinity.");
        if (!(exponent >= 0 && double.IsFinite(exponent)))
            throw new ArgumentException($"The exponent is {exponent}; it must be 0 or more (1 is usual).");
        Norm = norm;
        Exponent = exponent;
    }

    /// <summary>The norm.</summary>
    public ActivationNorm Norm { get; }

    /// <summary>alpha.</summary>
    public double Exponent { get; }

    /// <inheritdoc/>
    public string Name => "activation-norm";

    /// <inheritdoc/>
    public StatisticsNeeds Needs =>
        Norm == ActivationNorm.L2 ? StatisticsNeeds.SumSquares : StatisticsNeeds.Moments;

    /// <inheritdoc/>
    public JsonObject Options() => new()
    {
        ["norm"] = Norm.ToString().ToLowerInvariant(),
        ["exponent"] = Exponent,
    };

    /// <inheritdoc/>
    public void Score(WeightBlock block, ActivationStatistics? statistics, Span<float> scores)
    {
        CriterionChecks.Shape(block, scores);
        CriterionChecks.Statistics(block, statistics);
        double[] factors = Norm switch
        {
            ActivationNorm.L1 => statistics.SumOfMagnitudes.ToArray(),
            ActivationNorm.L2 => Array.ConvertAll(statistics.SumOfSquares.ToArray(), Math.Sqrt),
            _ => statistics.Largest.ToArray(),
        };
        for (int i = 0; i < factors.Length; i++) factors[i] = Math.Pow(factors[i], Exponent);
        for (int i = 0; i < scores.Length; i++)
            scores[i] = (float)(Math.Abs((double)block.Weight[i]) * factors[i % block.Columns]);
    }
}
