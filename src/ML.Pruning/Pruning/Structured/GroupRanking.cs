namespace ML.Pruning.Pruning.Structured;

/// <summary>Chooses the groups with the lowest scores. Ties go to the earlier family and the lower index; in every
/// family one group stays.</summary>
internal static class GroupRanking
{
    /// <summary>The lowest of one family.</summary>
    /// <param name="scores">A score a group.</param>
    /// <param name="count">How many go.</param>
    /// <returns>Their indices.</returns>
    public static IReadOnlyList<int> Lowest(IReadOnlyList<double> scores, int count) =>
        [.. Enumerable.Range(0, scores.Count).OrderBy(i => scores[i]).Take(count)];

    /// <summary>The lowest of several families together.</summary>
    /// <param name="scores">For each family a score a group.</param>
    /// <param name="costs">For each family what a group counts towards the budget.</param>
    /// <param name="budget">Groups go, lowest first, until what they count reaches this.</param>
    /// <returns>For each family the indices of those that go.</returns>
    public static IReadOnlyList<IReadOnlyList<int>> LowestTogether(
        IReadOnlyList<double[]> scores, IReadOnlyList<double> costs, double budget)
    {
        var chosen = scores.Select(_ => new List<int>()).ToArray();
        double spent = 0;
        foreach ((int family, int index, _) in scores
            .SelectMany((own, f) => own.Select((score, i) => (Family: f, Index: i, Score: score)))
            .OrderBy(g => g.Score))
        {
            if (spent >= budget) break;
            if (chosen[family].Count == scores[family].Length - 1) continue;
            chosen[family].Add(index);
            spent += costs[family];
        }

        return chosen;
    }
}
