namespace ML.Pruning.Tests.Architecture;

/// <summary>One public type as text: what stands in a listing, or what reflection finds.</summary>
/// <param name="Name">Full name with type parameters; types of the System namespaces by their simple name.</param>
/// <param name="Kind">For example "sealed class", "struct", "delegate".</param>
/// <param name="Bases">Base class and interfaces; for an enum its underlying type.</param>
/// <param name="Constraints">The "where" clauses, or nothing.</param>
/// <param name="Members">One line a member; for a delegate its signature.</param>
internal sealed record ApiType(
    string Name, string Kind, IReadOnlyCollection<string> Bases, string Constraints, HashSet<string> Members);
