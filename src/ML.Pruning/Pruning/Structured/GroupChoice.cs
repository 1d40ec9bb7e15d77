namespace ML.Pruning.Pruning.Structured;

/// <summary>The groups that a method chose, family by family.</summary>
/// <param name="Family">The family, of the model before.</param>
/// <param name="Removed">Which of its groups go, in ascending order.</param>
/// <param name="HighestRemovedScore">For the report; null where nothing was scored.</param>
/// <param name="LowestKeptScore">For the report; null where nothing was scored.</param>
internal sealed record GroupChoice(GroupFamily Family, IReadOnlyList<int> Removed, double? HighestRemovedScore = null,
    double? LowestKeptScore = null)
{
    /// <summary>A choice by scores.</summary>
    public static GroupChoice Of(GroupFamily family, IReadOnlyList<int> removed, IReadOnlyList<double> scores)
    {
        HashSet<int> gone = [.. removed];
        return new GroupChoice(family, removed, gone.Count == 0 ? null : gone.Max(i => scores[i]),
            scores.Where((_, i) => !gone.Contains(i)).Min());
    }

    public FamilyReport ToReport() => new(Family.Kind, Family.Layer, Family.Count, Removed)
    {
        HighestRemovedScore = HighestRemovedScore,
        LowestKeptScore = LowestKeptScore,
    };
}
