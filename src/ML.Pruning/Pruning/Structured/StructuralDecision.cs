using ML.Pruning.Models;

namespace ML.Pruning.Pruning.Structured;

/// <summary>What a method decided.</summary>
/// <param name="Choices">The groups that go.</param>
/// <param name="Complete">Turns the smaller model into the result, such as by adding biases: given the cut and the
/// smaller model, which the caller disposes, it returns another one; null = it is the result as it stands.</param>
internal sealed record StructuralDecision(
    IReadOnlyList<GroupChoice> Choices, Func<StructuralCut, LanguageModel, LanguageModel>? Complete = null);
