namespace ML.Pruning.Tests.Sparsity;

/// <summary>Selects masks in the obvious way: sort the members of each group by score and place, drop the
/// first.</summary>
internal static class SortOracle
{
    /// <summary>The indices that stay, as one truth value per weight.</summary>
    /// <param name="scores">Scores, one per weight.</param>
    /// <param name="groupOf">Group of a weight.</param>
    /// <param name="sparsity">Fraction of each group to drop.</param>
    public static bool[] Keep(IReadOnlyList<double> scores, Func<int, int> groupOf, double sparsity)
    {
        bool[] keep = [.. scores.Select(_ => true)];
        foreach (IGrouping<int, int> group in Enumerable.Range(0, scores.Count).GroupBy(groupOf))
        {
            int remove = (int)(group.Count() * sparsity);
            foreach (int i in group.OrderBy(i => scores[i]).ThenBy(i => i).Take(remove)) keep[i] = false;
        }

        return keep;
    }
}
