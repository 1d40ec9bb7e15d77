namespace ML.Pruning.Pruning.Structured;

/// <summary>The groups that a method chose, family by family.</summary>
/// <param name="Family">The family, of the model before.</param>
/// <param name="Removed">Which of its groups go, in ascending order.</param>
/// <param name="HighestRemovedScore">For the report; null where nothing was scored.</param>
/// <param name="LowestKeptScore">For the report; null where nothing was scored.</param>
internal sealed record GroupChoice(GroupFamily Family, IReadOnlyList<int> Removed, double? HighestRemovedScore = null,
    double? LowestKeptScore = null)
{
    public FamilyReport ToReport() => new(Family.Kind, Family.Layer, Family.Count, Removed)
    {
        HighestRemovedScore = HighestRemovedScore,
        LowestKeptScore = LowestKeptScore,
    };
}
