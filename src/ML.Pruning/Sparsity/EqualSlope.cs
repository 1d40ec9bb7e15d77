namespace ML.Pruning.Sparsity;

/// <summary>Shares a sparsity out so that the measured losses add up to the least.</summary>
/// <remarks>The losses of each unit at some sparsities are replaced by their lower convex hull; then weights go where
/// one more costs least, until all of them together reach the target. On the hulls, which are straight between the
/// points, this is the exact minimum: at the end all units have the same slope, but for corners.</remarks>
internal static class EqualSlope
{
    /// <summary>Chooses.</summary>
    /// <param name="counts">Weights of each unit, at least 1.</param>
    /// <param name="points">Ascending sparsities, at least one; the target lies between the first and the last.</param>
    /// <param name="losses">For each unit the loss at each point; finite.</param>
    /// <param name="sparsity">Target of all units together.</param>
    /// <returns>A sparsity for each unit; weighted by counts their mean is the target.</returns>
    public static double[] Choose(IReadOnlyList<long> counts, IReadOnlyList<double> points,
        IReadOnlyList<IReadOnlyList<double>> losses, double sparsity)
    {
        var chosen = new double[counts.Count];
        Array.Fill(chosen, points[0]);
        double left = (sparsity - points[0]) * counts.Sum(c => (double)c);
        IEnumerable<(int Unit, double To, double Slope)> segments = Enumerable.Range(0, counts.Count)
            .SelectMany(unit => Hull(points, losses[unit]).Select(s => (unit, s.To, s.Slope / counts[unit])))
            .OrderBy(s => s.Item3);
        foreach ((int unit, double to, _) in segments)
        {
            double step = Math.Min((to - chosen[unit]) * counts[unit], left);
            if (!(step > 0)) continue;
            chosen[unit] += step / counts[unit];
            left -= step;
        }

        return chosen;
    }

    // The segments of the lower convex hull, with slopes that rise.
    private static List<(double To, double Slope)> Hull(IReadOnlyList<double> x, IReadOnlyList<double> y)
    {
        var corners = new List<int>();
        for (int i = 0; i < x.Count; i++)
        {
            while (corners.Count > 1 && Slope(corners[^2], corners[^1]) >= Slope(corners[^1], i))
                corners.RemoveAt(corners.Count - 1);
            corners.Add(i);
        }

        return [.. corners.Zip(corners.Skip(1), (from, to) => (x[to], Slope(from, to)))];

        double Slope(int from, int to) => (y[to] - y[from]) / (x[to] - x[from]);
    }
}
