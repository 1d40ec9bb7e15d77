using ML.Pruning.Sparsity;

namespace ML.Pruning.Pruning;

/// <summary>Quantiles of a tensor's scores, for the report.</summary>
internal static class ScoreQuantiles
{
    private const int MaximumScores = 1 << 16;
    private static readonly double[] s_fractions = [0, 0.25, 0.5, 0.75, 1];

    /// <summary>Lowest, quartiles and highest of evenly spaced rows.</summary>
    /// <param name="source">The scores.</param>
    /// <returns>Five numbers; null if all weights are zero already.</returns>
    public static double[]? Of(IScoreSource source)
    {
        int step = Math.Max(1, source.Rows / Math.Max(1, MaximumScores / source.Columns));
        var kept = new List<float>(Math.Min(source.Rows * source.Columns, 2 * MaximumScores));
        var row = new float[source.Columns];
        for (int i = 0; i < source.Rows; i += step)
        {
            source.ReadScores(i, 1, row);
            kept.AddRange(row.Where(score => !float.IsNegativeInfinity(score)));
        }

        if (kept.Count == 0) return null;
        kept.Sort();
        return Array.ConvertAll(s_fractions, f => (double)kept[(int)Math.Round(f * (kept.Count - 1))]);
    }
}
