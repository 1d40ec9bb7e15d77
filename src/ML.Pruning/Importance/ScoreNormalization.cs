using System.Numerics.Tensors;

namespace ML.Pruning.Importance;

/// <summary>How the scores of the groups at one place are made comparable with those at another. Without meaning where
/// each place is ranked on its own.</summary>
public enum ScoreNormalization
{
    /// <summary>They stay as they are.</summary>
    None,

    /// <summary>Divided by their sum.</summary>
    Sum,

    /// <summary>Divided by their mean.</summary>
    Mean,

    /// <summary>Divided by the largest.</summary>
    Max,

    /// <summary>Mean subtracted, then divided by the standard deviation (with n - 1).</summary>
    Gaussian,
}

/// <summary>Applies a <see cref="ScoreNormalization"/>.</summary>
internal static class ScoreNormalizer
{
    /// <summary>Normalises the scores of one place, in place. Scores that are all equal become 0 by
    /// <see cref="ScoreNormalization.Gaussian"/>; all zero they stay.</summary>
    public static void Apply(ScoreNormalization normalization, Span<double> scores)
    {
        switch (normalization)
        {
            case ScoreNormalization.None:
                return;
            case ScoreNormalization.Sum:
                Divide(scores, TensorPrimitives.Sum<double>(scores));
                return;
            case ScoreNormalization.Mean:
                Divide(scores, TensorPrimitives.Sum<double>(scores) / scores.Length);
                return;
            case ScoreNormalization.Max:
                Divide(scores, TensorPrimitives.Max<double>(scores));
                return;
            case ScoreNormalization.Gaussian:
                TensorPrimitives.Subtract(scores, TensorPrimitives.Sum<double>(scores) / scores.Length, scores);
                Divide(scores,
                    Math.Sqrt(TensorPrimitives.SumOfSquares<double>(scores) / Math.Max(scores.Length - 1, 1)));
                return;
            default:
                throw new ArgumentOutOfRangeException(nameof(normalization), normalization, "No such normalisation.");
        }
    }

    private static void Divide(Span<double> scores, double by)
    {
        if (by != 0) TensorPrimitives.Divide(scores, by, scores);
    }
}
