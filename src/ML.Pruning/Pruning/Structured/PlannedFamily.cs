namespace ML.Pruning.Pruning.Structured;

/// <summary>How many groups of a family are to go.</summary>
/// <param name="Kind">What a group makes up.</param>
/// <param name="Layer">Layer, from 0; -1 for the channels.</param>
/// <param name="Count">Groups before.</param>
/// <param name="Removed">Groups that go.</param>
/// <param name="IsExact">Whether <paramref name="Removed"/> follows from shapes; otherwise it depends on the weights,
/// and the number is what to expect.</param>
public sealed record PlannedFamily(GroupKind Kind, int Layer, int Count, int Removed, bool IsExact = true);
